//! Lead enrichments.

use sfbridge_values::{Igrp, Timestamp};
use uuid::Uuid;

use super::{Admitted, Draft, LeadKey, Recordable, Repeat, Seen};
use crate::domain::{LeadEnrichment, LeadToEnrich, Rejection};
use crate::recording::{KeyDigest, RecordKind, for_installation, new_enrichment, new_record_id};

impl Draft {
    fn keep_job(&mut self, job: LeadEnrichment) {
        self.changed_jobs.push(job.lead_enrichment_id);
        self.know_job(job);
    }
}

impl Recordable for LeadToEnrich {
    const KIND: RecordKind = RecordKind::LeadEnrichment;

    fn fingerprint(&self, igrp: Igrp) -> [u8; 16] {
        LeadToEnrich::fingerprint(self, igrp)
    }

    /// An open job takes the newer content of a repeat; a closed one is done.
    fn repeat(
        draft: &mut Draft,
        (_, seen): (&KeyDigest, &Seen),
        item: Admitted<Self>,
        now: Timestamp,
    ) -> Result<Repeat, Rejection> {
        let lead = LeadKey::requested(item.installation.igrp, &item.content);
        match draft.jobs.get(&seen.record_id).cloned() {
            Some(mut job) if job.state.is_open() && LeadKey::of(&job) == lead => {
                // A repeat that names no time still means its first receipt.
                let as_of_time = job.as_of_time;
                job.join(
                    for_installation(item.content, &item.installation),
                    as_of_time,
                    now,
                );
                draft.keep_job(job);
                Ok(Repeat::Replaced)
            }
            _ => Ok(Repeat::Kept),
        }
    }

    /// Opens a job for a lead, or joins the one that is open.
    fn insert(draft: &mut Draft, item: Admitted<Self>, now: Timestamp) -> Result<Uuid, Rejection> {
        let Admitted {
            content,
            installation,
            receive_time,
            idempotency_key: _,
        } = item;
        let lead = LeadKey::requested(installation.igrp, &content);
        let content = for_installation(content, &installation);
        let open = draft.open_jobs.get(&lead);
        if let Some(mut job) = open.and_then(|id| draft.jobs.get(id)).cloned() {
            let id = job.lead_enrichment_id;
            job.join(content, receive_time, now);
            job.request_count += 1;
            draft.keep_job(job);
            return Ok(id);
        }
        let id = new_record_id(now);
        draft.keep_job(new_enrichment(
            id,
            installation.igrp,
            content,
            receive_time,
            now,
        ));
        Ok(id)
    }
}

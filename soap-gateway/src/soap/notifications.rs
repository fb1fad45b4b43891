//! The element `notifications`: who sent the message, and what is in it.

use sfbridge_values::OrganizationId;

use super::api_url::ApiUrl;
use super::invalid_message::Flaw;
use super::message::{Notification, OutboundMessage};
use super::namespaces::Namespace;
use super::notification;
use super::shape::Shape;
use super::tokens::{Tag, Tokens};

/// As many notifications Salesforce puts into one message.
const MOST: usize = 100;

/// What has been read so far; its children come in any order.
#[derive(Default)]
struct Draft {
    organization_id: Option<OrganizationId>,
    action_id: String,
    urls: Vec<(&'static str, ApiUrl)>,
    notifications: Vec<Notification>,
    warnings: Vec<String>,
}

/// Reads `notifications` to its end, after its start tag. Leaves in `claimed`
/// who sent it as soon as that is read.
pub(super) fn read(
    tokens: &mut Tokens<'_>,
    start: &Tag<'_>,
    claimed: &mut Option<OrganizationId>,
) -> Result<OutboundMessage, Flaw> {
    let mut draft = Draft::default();
    let mut shape = Shape::default();
    while let Some(child) = tokens.next_child()? {
        // Elements of other namespaces are unknown, whatever they are called.
        let known = match child.namespace {
            Namespace::OUTBOUND => child.local,
            _ => "",
        };
        match known {
            "OrganizationId" => {
                if draft.organization_id.is_some() {
                    return Err(Flaw::malformed(
                        child.offset,
                        "The message has two elements `OrganizationId`.",
                    ));
                }
                draft.organization_id = Some(read_organization_id(tokens, &child)?);
                claimed.clone_from(&draft.organization_id);
            }
            "ActionId" => draft.read_action_id(tokens)?,
            "EnterpriseUrl" => draft.read_url("EnterpriseUrl", tokens)?,
            "PartnerUrl" => draft.read_url("PartnerUrl", tokens)?,
            "Notification" => draft.read_notification(tokens, &child, &mut shape)?,
            // SessionId too: nothing needs it, so it is never looked at.
            _ => {
                tokens.skip()?;
            }
        }
    }
    draft.finish(start)
}

impl Draft {
    fn read_action_id(&mut self, tokens: &mut Tokens<'_>) -> Result<(), Flaw> {
        if tokens.is_nil() {
            tokens.skip()?;
            return Ok(());
        }
        let value = tokens.scalar()?;
        let id = value.text.trim();
        if self.action_id.is_empty() {
            id.clone_into(&mut self.action_id);
        } else if self.action_id != id {
            self.warnings
                .push("The message has two different `ActionId`s; the first counts.".to_owned());
        }
        Ok(())
    }

    fn read_url(&mut self, name: &'static str, tokens: &mut Tokens<'_>) -> Result<(), Flaw> {
        let is_nil = tokens.is_nil();
        let value = tokens.scalar()?;
        let is_given = !is_nil && !value.text.trim().is_empty();
        let is_first = self.urls.iter().all(|(known, _)| *known != name);
        if is_given && is_first {
            self.urls.push((name, ApiUrl::read(&value.text)));
        }
        Ok(())
    }

    fn read_notification<'a>(
        &mut self,
        tokens: &mut Tokens<'a>,
        tag: &Tag<'_>,
        shape: &mut Shape<'a>,
    ) -> Result<(), Flaw> {
        let limit = tokens.limits().notifications;
        if self.notifications.len() >= limit {
            return Err(Flaw::malformed(
                tag.offset,
                format!(
                    "The message has more than {limit} notifications, and Salesforce sends at \
                     most {MOST}; send them in several messages, or have the limit raised."
                ),
            ));
        }
        self.notifications.push(notification::read(tokens, shape)?);
        Ok(())
    }

    fn finish(mut self, start: &Tag<'_>) -> Result<OutboundMessage, Flaw> {
        let organization_id = self.organization_id.ok_or_else(|| {
            Flaw::malformed(
                start.offset,
                "The message has no `OrganizationId` in `notifications`.",
            )
        })?;
        let mut warn = |warning: String| self.warnings.push(warning);
        if !organization_id.is_checked() {
            warn("The last three characters of `OrganizationId` do not fit the others.".to_owned());
        }
        if self.action_id.is_empty() {
            warn("The message has no `ActionId`.".to_owned());
        }
        for (name, url) in &self.urls {
            if !url.is_at_salesforce() {
                warn(format!(
                    "`{name}` is not an https address at Salesforce; it is never called, \
                     but check who sends these messages."
                ));
            }
            if url
                .organization_id()
                .is_some_and(|id| id != &organization_id)
            {
                warn(format!(
                    "`{name}` is one of another organisation than `OrganizationId`."
                ));
            }
        }
        match self.notifications.len() {
            0 => warn("The message has no notification.".to_owned()),
            count if count > MOST => warn(format!(
                "The message has {count} notifications; Salesforce sends at most {MOST}."
            )),
            _ => {}
        }
        Ok(OutboundMessage {
            organization_id,
            action_id: self.action_id,
            notifications: self.notifications,
            warnings: self.warnings,
        })
    }
}

fn read_organization_id(tokens: &mut Tokens<'_>, tag: &Tag<'_>) -> Result<OrganizationId, Flaw> {
    let value = tokens.scalar()?;
    OrganizationId::parse(&value.text)
        .ok()
        .filter(|_| !value.has_elements)
        .ok_or_else(|| {
            Flaw::malformed(
                tag.offset,
                "`OrganizationId` is not the id of an organisation, which is `00D` and \
                 12 or 15 more letters and digits.",
            )
        })
}

//! Reads outbound messages: the SOAP envelope.

use sfbridge_values::OrganizationId;

use super::invalid_message::{Flaw, InvalidKind, InvalidMessage};
use super::limits::Limits;
use super::message::OutboundMessage;
use super::namespaces::Namespace;
use super::notifications;
use super::tokens::{Tag, Token, Tokens};

#[cfg(test)]
mod tests;

/// Reads an outbound message.
///
/// Elements and attributes count by namespace, never by prefix. A notification
/// that contradicts itself is [`super::Content::Malformed`] and does no harm
/// to the others.
///
/// # Errors
///
/// [`InvalidMessage`] when the text is not namespace-well-formed XML 1.0, goes
/// beyond a limit, or is not a SOAP 1.1 message of one organisation.
pub fn read(text: &str, limits: &Limits) -> Result<OutboundMessage, InvalidMessage> {
    let mut claimed = None;
    Tokens::new(text, limits)
        .and_then(|mut tokens| read_envelope(&mut tokens, &mut claimed))
        .map_err(|flaw| InvalidMessage::new(text, flaw, claimed))
}

/// Leaves in `claimed` who sent the message, also when the rest is no good.
fn read_envelope(
    tokens: &mut Tokens<'_>,
    claimed: &mut Option<OrganizationId>,
) -> Result<OutboundMessage, Flaw> {
    let Some(envelope) = tokens.next_child()? else {
        return Err(Flaw::malformed(0, "The message has no root element."));
    };
    if !envelope.is(Namespace::SOAP, "Envelope") {
        return Err(not_an_envelope(&envelope));
    }
    let mut has_header = false;
    let mut message = None;
    while let Some(child) = tokens.next_child()? {
        match (child.namespace, child.local) {
            (Namespace::SOAP, "Header") if has_header || message.is_some() => {
                return Err(Flaw::malformed(
                    child.offset,
                    "The SOAP Header stands after another Header or the Body.",
                ));
            }
            (Namespace::SOAP, "Body") if message.is_some() => {
                return Err(Flaw::malformed(
                    child.offset,
                    "The SOAP Envelope has two Bodies.",
                ));
            }
            (Namespace::SOAP, "Header") => {
                has_header = true;
                read_header(tokens)?;
            }
            (Namespace::SOAP, "Body") => message = Some(read_body(tokens, &child, claimed)?),
            _ => {
                tokens.skip()?;
            }
        }
    }
    while !matches!(tokens.advance()?, Token::Eof) {}
    message.ok_or_else(|| Flaw::malformed(envelope.offset, "The SOAP Envelope has no Body."))
}

fn not_an_envelope(root: &Tag<'_>) -> Flaw {
    if root.local == "Envelope" {
        // SOAP 1.1, section 4.1.2: an Envelope of any other namespace.
        return Flaw::of_kind(
            InvalidKind::VersionMismatch,
            root.offset,
            format!(
                "The Envelope is not one of SOAP 1.1, whose namespace is `{}`.",
                Namespace::SOAP.uri()
            ),
        );
    }
    Flaw::malformed(root.offset, "The message is not a SOAP Envelope.")
}

/// Passes over the header blocks unless one must be understood.
fn read_header(tokens: &mut Tokens<'_>) -> Result<(), Flaw> {
    while let Some(block) = tokens.next_child()? {
        if must_be_understood(tokens) {
            return Err(Flaw::of_kind(
                InvalidKind::MustUnderstand,
                block.offset,
                "The message has a SOAP header block that must be understood, and none is known.",
            ));
        }
        tokens.skip()?;
    }
    Ok(())
}

/// Whether the header block that was begun last demands to be understood by
/// its last receiver, which is who reads this.
fn must_be_understood(tokens: &Tokens<'_>) -> bool {
    /// Whoever comes next on the way.
    const NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";

    let demanded = tokens.attribute(Namespace::SOAP, "mustUnderstand");
    // A block with any other actor is for somebody else.
    let actor = tokens.attribute(Namespace::SOAP, "actor").map(str::trim);
    demanded.is_some_and(|value| matches!(value.trim(), "1" | "true"))
        && matches!(actor, None | Some("" | NEXT))
}

fn read_body(
    tokens: &mut Tokens<'_>,
    body: &Tag<'_>,
    claimed: &mut Option<OrganizationId>,
) -> Result<OutboundMessage, Flaw> {
    let mut message = None;
    let mut other = None;
    while let Some(child) = tokens.next_child()? {
        if !child.is(Namespace::OUTBOUND, "notifications") {
            other = other.or_else(|| Some(not_notifications(&child)));
            tokens.skip()?;
        } else if message.is_some() {
            return Err(Flaw::malformed(
                child.offset,
                "The SOAP Body has two `notifications`.",
            ));
        } else {
            message = Some(notifications::read(tokens, &child, claimed)?);
        }
    }
    message.ok_or_else(|| {
        other.unwrap_or_else(|| {
            Flaw::malformed(
                body.offset,
                "The SOAP Body is empty; an outbound message has `notifications` in it.",
            )
        })
    })
}

fn not_notifications(child: &Tag<'_>) -> Flaw {
    let sentence = match (child.namespace, child.local) {
        (Namespace::SOAP, "Fault") => {
            "The SOAP Body holds a Fault; an outbound message has `notifications` in it.".to_owned()
        }
        (_, "notifications") => format!(
            "The element `notifications` is not in the namespace `{}`.",
            Namespace::OUTBOUND.uri()
        ),
        _ => "The SOAP Body holds another operation than `notifications`; \
              only outbound messages are taken here."
            .to_owned(),
    };
    Flaw::malformed(child.offset, sentence)
}

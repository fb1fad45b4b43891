//! One `sObject`: a record's type and fields.

use super::characters::{Name, is_white_space};
use super::fields::Fields;
use super::invalid_message::{Flaw, short};
use super::message::SObject;
use super::namespaces::Namespace;
use super::shape::Shape;
use super::tokens::{Token, Tokens};

/// What an `sObject` says.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) sobject: SObject,
    /// Whether it is absent, nil or has no element in it.
    pub(super) is_gone: bool,
    pub(super) defect: Option<Defect>,
    pub(super) warnings: Vec<String>,
}

/// Why a notification is malformed.
#[derive(Debug)]
pub(super) struct Defect {
    /// Empty when it is not about one field.
    pub(super) field: String,
    pub(super) description: String,
}

impl Defect {
    pub(super) fn of_notification(description: &str) -> Self {
        Self {
            field: String::new(),
            description: description.to_owned(),
        }
    }
}

impl Record {
    /// That of a notification without an `sObject`.
    pub(super) fn absent() -> Self {
        Self {
            sobject: SObject::default(),
            is_gone: true,
            defect: None,
            warnings: Vec::new(),
        }
    }

    /// Reads an `sObject` to its end, after its start tag.
    pub(super) fn read<'a>(tokens: &mut Tokens<'a>, shape: &mut Shape<'a>) -> Result<Self, Flaw> {
        let mut record = Self::absent();
        let is_nil = tokens.is_nil();
        let defect_of_type = record.read_type(tokens).err();
        if is_nil {
            if tokens.skip()? {
                record.warn("The record is nil but has content, which is not read.");
            }
            return Ok(record);
        }
        let fields = read_fields(tokens, &mut record, shape)?;
        if record.is_gone {
            return Ok(record);
        }
        let fields = fields.finish(shape.has_distinct_names());
        shape.end(fields.populated.len(), fields.are_distinct);
        record.sobject.fields = fields.populated;
        record.warnings.extend(fields.warnings);
        record.defect = defect_of_type.or(fields.defect);
        Ok(record)
    }

    /// Takes the type from `xsi:type`, by its local name.
    fn read_type(&mut self, tokens: &Tokens<'_>) -> Result<(), Defect> {
        let value = tokens
            .attribute(Namespace::XSI, "type")
            .map_or("", str::trim);
        if value.is_empty() {
            return Err(Defect::of_notification(
                "The record has no `xsi:type`, so its object is not known; \
                 send it as Salesforce does, for instance `xsi:type=\"sf:Lead\"`.",
            ));
        }
        // As long as an object's name with a prefix may ever be.
        let name = Some(value).filter(|value| value.len() <= 255);
        let Some(name) = name.and_then(Name::parse) else {
            return Err(Defect::of_notification(
                "The record's `xsi:type` is not a name; \
                 send it as Salesforce does, for instance `xsi:type=\"sf:Lead\"`.",
            ));
        };
        name.local.clone_into(&mut self.sobject.object_type);
        // The local name still says which object it is.
        if !tokens.is_declared(name.prefix) {
            self.warn("The namespace prefix in `xsi:type` is not declared.");
        }
        Ok(())
    }

    fn warn(&mut self, warning: &str) {
        self.warnings.push(warning.to_owned());
    }
}

/// Reads the children of an `sObject` to its end.
///
/// An element in a field is a field of its own, called after both. Whatever
/// text the outer one has beside is its own value, so that nothing is lost.
fn read_fields<'a>(
    tokens: &mut Tokens<'a>,
    record: &mut Record,
    shape: &mut Shape<'a>,
) -> Result<Fields, Flaw> {
    let mut fields = Fields::with_room(shape.fields());
    let mut has_stray_text = false;
    shape.begin();
    loop {
        if fields.is_between()
            && let Some(field) = tokens.next_field(shape)?
        {
            record.is_gone = false;
            let is_ignored = is_no_field(field.local);
            match field.text {
                Some(_) if is_ignored => {}
                Some(text) => fields.push(field.local, text),
                None if is_ignored => drop(tokens.skip()?),
                // Whatever is the first is not nested too deeply.
                None => drop(fields.open(field.local)),
            }
            continue;
        }
        match tokens.advance()? {
            Token::Start(tag) => {
                record.is_gone = false;
                shape.is_broken();
                let is_nil = tokens.is_nil();
                let is_ignored = fields.is_between() && is_no_field(tag.local);
                if is_ignored || !fields.open(tag.local) {
                    tokens.skip()?;
                } else if is_nil {
                    if tokens.skip()? {
                        fields.warn(format!(
                            "The field `{}` is nil but has content, which is not read.",
                            short(tag.local)
                        ));
                    }
                    fields.close();
                }
            }
            Token::End if fields.close() => {}
            Token::End | Token::Eof => break,
            Token::Text(text) if fields.is_between() => {
                has_stray_text = has_stray_text || !is_white_space(&text);
            }
            Token::Character(_) if fields.is_between() => has_stray_text = true,
            Token::Text(text) => fields.push_text(text),
            Token::Character(character) => fields.push_character(character),
        }
    }
    if has_stray_text {
        record.warn("The record has text outside of its fields, which is not read.");
    }
    Ok(fields)
}

/// Children of an `sObject` that say something about the record instead of
/// being its data: `fieldsToNull` of the WSDL, and what partner tools add.
/// The fields that they could be taken for begin with a capital.
fn is_no_field(local: &str) -> bool {
    matches!(local, "fieldsToNull" | "type" | "attributes")
}

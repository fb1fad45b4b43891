//! Messages of the contract as JSON.

use std::sync::LazyLock;

use anyhow::Context as _;
use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage as _, SerializeOptions,
};
use serde_json::Value;
use sfbridge_proto::FILE_DESCRIPTOR_SET;

/// A message as proto JSON with proto field names, all fields in the order of
/// the contract. `name` is its name in the package `infinity.core.v1`.
pub(super) fn text(name: &str, message: &impl Message) -> anyhow::Result<String> {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        // Programs need not ask whether a key is there.
        .skip_default_fields(false);
    let mut text = Vec::new();
    dynamic(name, message)?
        .serialize_with_options(&mut serde_json::Serializer::pretty(&mut text), &options)
        .context("the message can't be written as JSON")?;
    String::from_utf8(text).context("JSON is not text")
}

/// The same as a value, to be part of another document.
pub(super) fn value(name: &str, message: &impl Message) -> anyhow::Result<Value> {
    serialize(
        &dynamic(name, message)?,
        &SerializeOptions::new()
            .use_proto_field_name(true)
            .skip_default_fields(false),
    )
}

/// Reads a message of the contract from JSON; unknown keys are errors.
pub(super) fn read<M: Message + Default>(name: &str, json: Value) -> anyhow::Result<M> {
    let message = DynamicMessage::deserialize(descriptor(name)?, json)?;
    Ok(M::decode(message.encode_to_vec().as_slice())?)
}

/// Every populated leaf with its dotted path, in the order of the contract.
pub(super) fn leaves(name: &str, message: &impl Message) -> anyhow::Result<Vec<(String, String)>> {
    let message = dynamic(name, message)?;
    let options = SerializeOptions::new().use_proto_field_name(true);
    let json = serialize(&message, &options)?;
    Ok(message
        .descriptor()
        .fields()
        .filter_map(|field| Some((field.name().to_owned(), json.get(field.name())?)))
        .flat_map(|(name, value)| flat(name, value))
        .collect())
}

fn dynamic(name: &str, message: &impl Message) -> anyhow::Result<DynamicMessage> {
    DynamicMessage::decode(descriptor(name)?, message.encode_to_vec().as_slice())
        .with_context(|| format!("the message is no {name}"))
}

fn descriptor(name: &str) -> anyhow::Result<MessageDescriptor> {
    // Decoded once; it never changes.
    static POOL: LazyLock<Option<DescriptorPool>> =
        LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).ok());

    POOL.as_ref()
        .and_then(|pool| pool.get_message_by_name(&format!("infinity.core.v1.{name}")))
        .with_context(|| format!("the contract has no message {name}"))
}

fn serialize(message: &DynamicMessage, options: &SerializeOptions) -> anyhow::Result<Value> {
    message
        .serialize_with_options(serde_json::value::Serializer, options)
        .context("the message can't be written as JSON")
}

fn flat(name: String, value: &Value) -> Vec<(String, String)> {
    let mut leaves = Vec::new();
    let mut open = vec![(name, value)];
    while let Some((path, value)) = open.pop() {
        match value {
            // Pushed in reverse, so that the first is the next.
            Value::Object(fields) => open.extend(
                fields
                    .iter()
                    .rev()
                    .map(|(name, field)| (format!("{path}.{name}"), field)),
            ),
            Value::Array(items) => open.extend(
                items
                    .iter()
                    .enumerate()
                    .rev()
                    .map(|(index, item)| (format!("{path}[{index}]"), item)),
            ),
            Value::String(text) => leaves.push((path, text.clone())),
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                leaves.push((path, value.to_string()));
            }
        }
    }
    leaves
}

//! Descriptors as a reference manual.

use std::fmt::Write as _;

use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{DescriptorPool, ServiceDescriptor};

/// The comment of an element, by its path in its file.
fn comment(file: &FileDescriptorProto, path: &[i32]) -> String {
    let places = file.source_code_info.iter().flat_map(|info| &info.location);
    let mut places = places.filter(|place| place.path == path);
    let place = places.next();
    place
        .map(|place| place.leading_comments().trim().to_owned())
        .unwrap_or_default()
}

/// A service with its comments.
pub(super) fn of_service(service: &ServiceDescriptor) -> String {
    let file = service.parent_file();
    let file = file.file_descriptor_proto();
    let mut text = commented(&comment(file, service.path()), "");
    let _ = writeln!(text, "service {} {{", service.name());
    for method in service.methods() {
        text.push_str(&commented(&comment(file, method.path()), "  "));
        let (name, input, output) = (method.name(), method.input(), method.output());
        let _ = writeln!(
            text,
            "  rpc {name}({}) returns ({});",
            input.name(),
            output.name()
        );
    }
    text.push_str("}\n");
    text
}

fn commented(comment: &str, indent: &str) -> String {
    let lines = comment.lines();
    let lines = lines.map(|line| format!("{indent}// {}", line.trim()));
    lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// The elements of a package that have no comment.
pub(super) fn without_comment(pool: &DescriptorPool, package: &str) -> Vec<String> {
    let mut elements: Vec<(String, FileDescriptorProto, Vec<i32>)> = Vec::new();
    for service in pool.services() {
        let file = service.parent_file().file_descriptor_proto().clone();
        for method in service.methods() {
            elements.push((
                method.full_name().into(),
                file.clone(),
                method.path().into(),
            ));
        }
        elements.push((service.full_name().into(), file, service.path().into()));
    }
    for message in pool
        .all_messages()
        .filter(|message| !message.is_map_entry())
    {
        let file = message.parent_file().file_descriptor_proto().clone();
        for field in message.fields() {
            elements.push((field.full_name().into(), file.clone(), field.path().into()));
        }
        elements.push((message.full_name().into(), file, message.path().into()));
    }
    for kind in pool.all_enums() {
        let file = kind.parent_file().file_descriptor_proto().clone();
        for value in kind.values() {
            elements.push((value.full_name().into(), file.clone(), value.path().into()));
        }
        elements.push((kind.full_name().into(), file, kind.path().into()));
    }
    let ours = elements
        .into_iter()
        .filter(|(name, _, _)| name.starts_with(package));
    let ours: Vec<_> = ours.collect();
    assert!(ours.len() > 100, "only {} elements", ours.len());
    ours.into_iter()
        .filter(|(_, file, path)| comment(file, path).is_empty())
        .map(|(name, _, _)| name)
        .collect()
}

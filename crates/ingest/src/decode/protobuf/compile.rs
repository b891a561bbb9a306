//! From the text of a schema to its descriptors.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use helios_contract::decode::RegisteredSchema;
use prost_reflect::prost::Message;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{FileDescriptor, MessageDescriptor};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use std::collections::HashMap;

/// The name under which the compiler sees the schema itself.
const MAIN: &str = "schema.proto";

/// What registries know without being told: the type that their own serializers write decimals with, and the options they
/// mark schemas with.
const BUILT_IN: [(&str, &str); 3] = [
    (
        "confluent/type/decimal.proto",
        r#"syntax = "proto3";
        package confluent.type;
        message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }"#,
    ),
    (
        "confluent/meta.proto",
        r#"syntax = "proto3";
        package confluent;
        import "google/protobuf/descriptor.proto";
        message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
        extend google.protobuf.FileOptions { Meta file_meta = 1088; }
        extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
        extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
        extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
        extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }"#,
    ),
    (
        "google/type/date.proto",
        r#"syntax = "proto3";
        package google.type;
        message Date { int32 year = 1; int32 month = 2; int32 day = 3; }"#,
    ),
];

struct Sources(HashMap<String, String>);

impl FileResolver for Sources {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let text = self.0.get(name).ok_or_else(|| protox::Error::file_not_found(name))?;
        match descriptor(text) {
            Some(descriptor) => {
                Ok(File::from_file_descriptor_proto(FileDescriptorProto { name: Some(name.to_owned()), ..descriptor }))
            }
            None => File::from_source(name, text),
        }
    }
}

/// Some serializers register the compiled schema, as base64, and some registries give it back like that.
fn descriptor(text: &str) -> Option<FileDescriptorProto> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    FileDescriptorProto::decode(bytes.as_slice()).ok()
}

/// Compiles a schema with everything it imports.
pub(super) fn file(schema: &RegisteredSchema) -> Result<FileDescriptor, String> {
    let built_in = BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let mut sources: HashMap<String, String> = built_in.chain(schema.references.iter().cloned()).collect();
    sources.insert(MAIN.to_owned(), schema.text.clone());
    let mut resolver = ChainFileResolver::new();
    resolver.add(GoogleFileResolver::new());
    resolver.add(Sources(sources));
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    compiler.open_file(MAIN).map_err(|e| e.to_string())?;
    let pool = compiler.descriptor_pool();
    pool.get_file_by_name(MAIN).ok_or_else(|| "it is empty".to_owned())
}

/// The message with a name, in this file or one it imports; without a name, the first.
pub(super) fn message(file: &FileDescriptor, name: Option<&str>) -> Result<Option<MessageDescriptor>, String> {
    let Some(name) = name else { return Ok(file.messages().next()) };
    let found = file.parent_pool().get_message_by_name(name.trim_start_matches('.'));
    // A name without its package is enough where the file has such a message.
    let found = found.or_else(|| file.messages().find(|message| message.name() == name));
    found.map(Some).ok_or_else(|| {
        let names: Vec<String> = file.messages().map(|message| message.full_name().to_owned()).collect();
        format!("it has no message {name}, only {}", names.join(", "))
    })
}

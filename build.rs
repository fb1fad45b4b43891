//! Compiles `proto/` without protoc: protox reads the files, and
//! tonic-prost-build writes Rust. The descriptor set keeps the comments, so
//! that reflection clients can show them.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");

    let mut files = Vec::new();
    collect(Path::new("proto"), &mut files)?;
    files.sort();

    let descriptors = protox::Compiler::new(["proto"])?
        .include_source_info(true)
        .include_imports(true)
        .open_files(files)?
        .file_descriptor_set();

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // They hold secrets; `proto/lib.rs` says what is shown of them.
        .skip_debug([
            ".infinity.core.v1.JwtBearer",
            ".infinity.core.v1.ClientCredentials",
        ])
        // They come nearly sorted and are kept sorted, and hashing names costs
        // more than that.
        .btree_map(".infinity.core.v1.Notification.fields")
        .compile_fds(descriptors)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            files.push(path);
        }
    }
    Ok(())
}

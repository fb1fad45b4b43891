//! Reads messages as the gateway does, for comparison with other readers.
//!
//! Standard input holds messages, each after its length as four bytes with the
//! highest first. For each, a line of JSON is written: what it means, or why
//! and where it is refused. `scripts/differential` drives this.

use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};

use soap_gateway::fuzzing::reading;

fn main() -> io::Result<()> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut output = BufWriter::new(io::stdout().lock());
    let mut length = [0; 4];
    let mut message = Vec::new();
    loop {
        match input.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return output.flush(),
            other => other?,
        }
        message.clear();
        let length = u64::from(u32::from_be_bytes(length));
        input.by_ref().take(length).read_to_end(&mut message)?;
        writeln!(output, "{}", reading(&message))?;
        if input.buffer().is_empty() {
            output.flush()?;
        }
    }
}

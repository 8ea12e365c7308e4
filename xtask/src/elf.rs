//! Checks that a linked program is what the VM's loader accepts: SBPF version 3 without writable data.
//!
//! The loader itself refuses such files too, but only at deployment and with less to go by.

use std::fmt;

/// `e_machine` of BPF, and the number later registered for Solana's variant.
const MACHINES: [u16; 2] = [247, 263];
/// `e_flags` of a program is its SBPF version.
const SBPF_V3: u32 = 3;
/// Sizes of the ELF64 structures.
const FILE_HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const SECTION_HEADER: usize = 64;
/// Segment type and flag: loaded, writable.
const PT_LOAD: u32 = 1;
const PF_W: u32 = 2;
/// Section flags: writable, part of the memory image.
const SHF_WRITE: u64 = 1;
const SHF_ALLOC: u64 = 2;

/// Why a file is not a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    #[error("not an ELF file of 64 bits, little-endian")]
    NotElf,
    #[error("the file ends inside {0}")]
    Truncated(&'static str),
    #[error("machine {0} is not SBPF")]
    Machine(u16),
    #[error("SBPF version {0}, expected 3")]
    Version(u32),
    #[error("no code is loaded")]
    Empty,
    #[error("the entry point {0:#x} is in no loaded segment")]
    Entry(u64),
    #[error(
        "section {name} holds {size} bytes of writable data (a `static mut`, a lock or an atomic?); the VM has no writable statics"
    )]
    WritableSection { name: String, size: u64 },
    #[error("a loaded segment holds {0} bytes of writable data; the VM has no writable statics")]
    WritableSegment(u64),
}

/// What a good program looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Bytes that are loaded from the file.
    pub loaded: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SBPF v3, {} bytes loaded", self.loaded)
    }
}

/// Inspects the bytes of a `.so` file.
pub fn check(file: &[u8]) -> Result<Summary, Defect> {
    if file.get(..6) != Some(b"\x7fELF\x02\x01") {
        return Err(Defect::NotElf);
    }
    let header = Reader { bytes: file.get(..FILE_HEADER).ok_or(Defect::Truncated("its header"))? };
    let machine = header.u16(18);
    if !MACHINES.contains(&machine) {
        return Err(Defect::Machine(machine));
    }
    if header.u32(48) != SBPF_V3 {
        return Err(Defect::Version(header.u32(48)));
    }
    let segments = table(file, header.u64(32), header.u16(56), PROGRAM_HEADER, "the program headers")?;
    let sections = table(file, header.u64(40), header.u16(60), SECTION_HEADER, "the section headers")?;
    check_sections(file, &sections, usize::from(header.u16(62)))?;
    check_segments(&segments, header.u64(24))
}

fn check_sections(file: &[u8], sections: &[Reader<'_>], names: usize) -> Result<(), Defect> {
    for section in sections {
        let (flags, size) = (section.u64(8), section.u64(32));
        if flags & SHF_WRITE != 0 && flags & SHF_ALLOC != 0 && size > 0 {
            let name = section_name(file, sections.get(names), section.u32(0));
            return Err(Defect::WritableSection { name, size });
        }
    }
    Ok(())
}

fn check_segments(segments: &[Reader<'_>], entry: u64) -> Result<Summary, Defect> {
    let mut loaded = 0;
    let mut entered = false;
    for segment in segments.iter().filter(|segment| segment.u32(0) == PT_LOAD) {
        let (address, in_file) = (segment.u64(16), segment.u64(32));
        // Stack and heap are writable too, but have no bytes in the file.
        if segment.u32(4) & PF_W != 0 && in_file > 0 {
            return Err(Defect::WritableSegment(in_file));
        }
        loaded += in_file;
        entered |= entry.checked_sub(address).is_some_and(|offset| offset < in_file);
    }
    match (loaded, entered) {
        (0, _) => Err(Defect::Empty),
        (_, false) => Err(Defect::Entry(entry)),
        _ => Ok(Summary { loaded }),
    }
}

fn table<'a>(
    file: &'a [u8],
    offset: u64,
    count: u16,
    size: usize,
    what: &'static str,
) -> Result<Vec<Reader<'a>>, Defect> {
    let start = usize::try_from(offset).map_err(|_| Defect::Truncated(what))?;
    let end = start.checked_add(usize::from(count) * size).ok_or(Defect::Truncated(what))?;
    let bytes = file.get(start..end).ok_or(Defect::Truncated(what))?;
    Ok(bytes.chunks_exact(size).map(|bytes| Reader { bytes }).collect())
}

fn section_name(file: &[u8], names: Option<&Reader<'_>>, offset: u32) -> String {
    let text = names.and_then(|section| {
        let start = usize::try_from(section.u64(24).checked_add(u64::from(offset))?).ok()?;
        file.get(start..)?.split(|byte| *byte == 0).next()
    });
    text.map_or_else(|| "?".to_owned(), |text| String::from_utf8_lossy(text).into_owned())
}

/// Little-endian fields of a structure whose length has been checked.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes[at..at + N].try_into().expect("N bytes")
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: usize = FILE_HEADER + PROGRAM_HEADER + 2 * SECTION_HEADER;

    fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
        file[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// A file with one segment of code, one section `.data` (empty unless a test says otherwise) and the names.
    fn program() -> Vec<u8> {
        let mut file = vec![0; CODE + 16 + 7];
        put(&mut file, 0, b"\x7fELF\x02\x01\x01");
        put(&mut file, 18, &263u16.to_le_bytes());
        put(&mut file, 24, &8u64.to_le_bytes());
        put(&mut file, 32, &(FILE_HEADER as u64).to_le_bytes());
        put(&mut file, 40, &((FILE_HEADER + PROGRAM_HEADER) as u64).to_le_bytes());
        put(&mut file, 48, &3u32.to_le_bytes());
        put(&mut file, 56, &1u16.to_le_bytes());
        put(&mut file, 60, &2u16.to_le_bytes());
        put(&mut file, 62, &1u16.to_le_bytes());
        put(&mut file, FILE_HEADER, &PT_LOAD.to_le_bytes());
        put(&mut file, FILE_HEADER + 4, &1u32.to_le_bytes());
        put(&mut file, FILE_HEADER + 32, &16u64.to_le_bytes());
        let data = FILE_HEADER + PROGRAM_HEADER;
        put(&mut file, data, &1u32.to_le_bytes());
        put(&mut file, data + 8, &(SHF_WRITE | SHF_ALLOC).to_le_bytes());
        put(&mut file, data + SECTION_HEADER + 24, &((CODE + 16) as u64).to_le_bytes());
        put(&mut file, CODE + 16, b"\0.data\0");
        file
    }

    fn with(at: usize, bytes: &[u8]) -> Result<Summary, Defect> {
        let mut file = program();
        put(&mut file, at, bytes);
        check(&file)
    }

    #[test]
    fn a_program_passes() {
        assert_eq!(check(&program()), Ok(Summary { loaded: 16 }));
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(check(b""), Err(Defect::NotElf));
        assert_eq!(check(b"#!/bin/sh\n"), Err(Defect::NotElf));
        assert_eq!(check(&program()[..40]), Err(Defect::Truncated("its header")));
        assert_eq!(check(&program()[..100]), Err(Defect::Truncated("the program headers")));
        assert_eq!(check(&program()[..150]), Err(Defect::Truncated("the section headers")));
        assert_eq!(with(18, &62u16.to_le_bytes()), Err(Defect::Machine(62)));
    }

    #[test]
    fn other_versions_are_refused() {
        assert_eq!(with(48, &0u32.to_le_bytes()), Err(Defect::Version(0)));
    }

    #[test]
    fn writable_data_is_refused_by_name() {
        let data = FILE_HEADER + PROGRAM_HEADER;
        let expected = Defect::WritableSection { name: ".data".into(), size: 5 };
        assert_eq!(with(data + 32, &5u64.to_le_bytes()), Err(expected));
        assert_eq!(with(FILE_HEADER + 4, &(PF_W | 1).to_le_bytes()), Err(Defect::WritableSegment(16)));
    }

    #[test]
    fn a_program_must_have_an_entry_point() {
        assert_eq!(with(24, &16u64.to_le_bytes()), Err(Defect::Entry(16)));
        assert_eq!(with(FILE_HEADER + 32, &0u64.to_le_bytes()), Err(Defect::Empty));
    }

    #[test]
    fn the_test_binary_itself_is_not_a_program() {
        let host = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(matches!(check(&host), Err(Defect::Machine(_))));
    }
}

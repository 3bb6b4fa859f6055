//! Lists that were served go to a file, a batch at a time, from a thread of its own.
use crate::closeup::Closeup;
use std::fs::File;
use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Longest wait of a list for its batch, as the service has it.
const WAIT: Duration = Duration::from_millis(20);
/// Candidates not on the page that are logged as well, as the service does.
const UNSERVED: usize = 5;

pub struct ServedLog {
    sender: Sender<Vec<u8>>,
    drawn: u64,
}

impl ServedLog {
    pub fn new(file: File) -> ServedLog {
        let (sender, receiver) = channel();
        std::thread::spawn(move || write_batches(&receiver, file));
        ServedLog {
            sender,
            drawn: 0x9e37_79b9_7f4a_7c15,
        }
    }

    pub fn append(&mut self, id: &str, user: &str, at: f64, list: &Closeup) {
        let rows = self.logged_rows(list);
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend((rows.len() as u32).to_le_bytes());
        bytes.extend(id.as_bytes());
        bytes.extend(at.to_le_bytes());
        bytes.extend(list.query.to_le_bytes());
        bytes.extend((user.len() as u32).to_le_bytes());
        bytes.extend(user.as_bytes());
        for row in &rows {
            let row = *row as usize;
            bytes.extend(list.scores[row].to_le_bytes());
            bytes.extend(list.pins[row].to_le_bytes());
            bytes.extend((row as u32).to_le_bytes());
            list.source_scores
                .iter()
                .for_each(|scores| bytes.extend(scores[row].to_le_bytes()));
            feature_row(list, row, &mut bytes);
        }
        // Without its writer the list is lost, and the next append says so no better: the process is ending.
        self.sender.send(bytes).ok();
    }

    /// The page, then a few that are not on it.
    fn logged_rows(&mut self, list: &Closeup) -> Vec<u32> {
        let mut rows = list.page.clone();
        let wanted = (rows.len() + UNSERVED).min(list.pins.len());
        while rows.len() < wanted {
            self.drawn = self
                .drawn
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let row = ((self.drawn >> 33) % list.pins.len() as u64) as u32;
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        rows
    }
}

/// A bitmap of the columns that are not zero, then their values.
fn feature_row(list: &Closeup, row: usize, bytes: &mut Vec<u8>) {
    let at = bytes.len();
    bytes.resize(at + list.columns.filled.len().div_ceil(8), 0);
    for (column, values) in list.columns.filled.iter().enumerate() {
        let value = values.as_ref().map_or(0.0, |values| values[row]);
        if value != 0.0 {
            bytes[at + column / 8] |= 1 << (column % 8);
            bytes.extend(value.to_le_bytes());
        }
    }
}

fn write_batches(receiver: &Receiver<Vec<u8>>, mut file: File) {
    while let Ok(first) = receiver.recv() {
        std::thread::sleep(WAIT);
        let mut batch = first;
        receiver.try_iter().for_each(|list| batch.extend(list));
        if let Err(error) = file.write_all(&batch) {
            eprintln!("the log of served lists: {error}");
            std::process::exit(1);
        }
    }
}

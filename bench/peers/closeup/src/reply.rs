//! The reply as src/api/routes/list-reply.ts has it, without card fields.
use crate::closeup::Closeup;
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::{SystemTime, UNIX_EPOCH};

const TREATMENT: &str = r#"{"model":null,"sources":null,"visualFrom":"image","whenDominantObject":{"visualWeightFactor":1}}"#;

pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}

/// A UUID of version 7: time, then a count that no two lists of this process share.
pub fn new_id(at: u64, count: u64) -> String {
    let mixed = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        "{:08x}-{:04x}-7{:03x}-8{:03x}-{:012x}",
        at >> 16,
        at & 0xffff,
        count & 0xfff,
        mixed & 0xfff,
        mixed >> 16
    )
}

pub fn reply(world: &World, list: &Closeup, id: &str, at: u64) -> String {
    let mut text = String::with_capacity(4096);
    let mut number = ryu::Buffer::new();
    text.push_str(r#"{"recommendationId":""#);
    text.push_str(id);
    text.push_str(r#"","modelVersion":"#);
    text.push_str(&quoted(&world.model.name));
    text.push_str(r#","treatment":"#);
    text.push_str(TREATMENT);
    text.push_str(r#","arm":null,"items":["#);
    for (place, row) in list.page.iter().enumerate() {
        let row = *row as usize;
        text.push_str(if place == 0 {
            r#"{"pinId":"#
        } else {
            r#",{"pinId":"#
        });
        text.push_str(&quoted(&world.ids[list.pins[row] as usize]));
        text.push_str(r#","position":"#);
        text.push_str(&(place + 1).to_string());
        text.push_str(r#","score":"#);
        text.push_str(number.format(list.scores[row]));
        text.push_str(r#","sources":["#);
        let mut separator = "";
        for (source, scores) in world.lists.iter().zip(&list.source_scores) {
            if scores[row].is_nan() {
                continue;
            }
            text.push_str(separator);
            text.push_str(r#"{"name":""#);
            text.push_str(source.name);
            text.push_str(r#"","score":"#);
            text.push_str(number.format(f64::from(scores[row])));
            text.push('}');
            separator = ",";
        }
        text.push_str("]}");
    }
    text.push_str(r#"],"nextCursor":"#);
    if list.pins.len() > list.page.len() {
        text.push('"');
        text.push_str(&cursor(world, list, at));
        text.push('"');
    } else {
        text.push_str("null");
    }
    text.push_str(r#","degraded":[],"missing":[]}"#);
    text
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// src/lists/page-cursor.ts, version 1.
fn cursor(world: &World, list: &Closeup, at: u64) -> String {
    let mut shown: Vec<u64> = list
        .page
        .iter()
        .map(|row| list.pins[*row as usize] as u64)
        .collect();
    shown.sort_unstable();
    let mut bytes = vec![1, 0, 0, 0, 0];
    put_varint(&mut bytes, at);
    put_varint(&mut bytes, shown.len() as u64);
    let mut before = 0;
    for pin in shown {
        put_varint(&mut bytes, pin - before);
        before = pin;
    }
    let name = format!("closeup {}", world.ids[list.query as usize]);
    let units = name
        .encode_utf16()
        .map(u32::from)
        .chain(bytes[5..].iter().map(|byte| u32::from(*byte)));
    let check = units.fold(0x811c_9dc5_u32, |hash, unit| {
        (hash ^ unit).wrapping_mul(0x0100_0193)
    });
    bytes[1..5].copy_from_slice(&check.to_le_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn put_varint(bytes: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    while rest >= 128 {
        bytes.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    bytes.push(rest as u8);
}

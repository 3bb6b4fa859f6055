//! A query pin -> candidates -> feature columns -> scores -> the page, as src/related-pins.ts makes it for a caller without
//! a past: the same merge, the same formulas in double precision, columns in single, sums in the same order.
use crate::world::{Pin, World};
use std::io::Result;

const HALF_FRESH_MS: f64 = 30.0 * 24.0 * 3600.0 * 1000.0;
const SOURCES: usize = 2;
/// Slots of the table that the words of a query stand in, at least.
const SLOTS: usize = 512;
/// Candidates ahead whose memory is asked for while one is worked on.
const AHEAD: usize = 8;

/// Asks for the memory of `values` from `at` on before it is needed; nothing but time depends on it.
fn fetch<T>(values: &[T], at: usize, count: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..(count * size_of::<T>()).max(1)).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing, whatever the address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(
                values
                    .as_ptr()
                    .wrapping_add(at)
                    .cast::<i8>()
                    .wrapping_add(line),
            )
        };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at, count);
}

pub struct Closeup {
    pub query: u32,
    pub pins: Vec<i32>,
    /// Of each source, by candidate; NaN where it did not propose.
    pub source_scores: [Vec<f32>; SOURCES],
    pub columns: Columns,
    pub scores: Vec<f64>,
    /// Rows of the candidates in served order.
    pub page: Vec<u32>,
}

/// Feature columns by the model's order; a column that nobody filled is zero.
pub struct Columns {
    pub filled: Vec<Option<Vec<f32>>>,
}

impl Columns {
    fn put(&mut self, place: Option<usize>, values: Vec<f32>) {
        if let Some(place) = place {
            self.filled[place] = Some(values);
        }
    }
}

pub fn closeup(world: &World, query: u32, limit: usize, page: usize, now: f64) -> Result<Closeup> {
    let lists = [
        world.lists[0].read(query as usize, limit)?,
        world.lists[1].read(query as usize, limit)?,
    ];
    let (pins, source_scores) = merge(world, query, &lists, limit);
    let columns = columns_of(world, query, &pins, &source_scores, now);
    let scores = scores_of(world, &columns, pins.len());
    let page = best_rows(&scores, &pins, page);
    Ok(Closeup {
        query,
        pins,
        source_scores,
        columns,
        scores,
        page,
    })
}

/// Which row a group has: open addressing, at most half full.
struct Rows {
    slots: Vec<(i32, i32)>,
    shift: u32,
}

impl Rows {
    fn new(keys: usize) -> Rows {
        let bits = (2 * keys).next_power_of_two().trailing_zeros().max(10);
        Rows {
            slots: vec![(-1, -1); 1 << bits],
            shift: 32 - bits,
        }
    }

    fn slot(&self, key: i32) -> usize {
        let mut slot = ((key as u32).wrapping_mul(0x9e37_79b1) >> self.shift) as usize;
        while self.slots[slot].0 != -1 && self.slots[slot].0 != key {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    fn set(&mut self, key: i32, row: i32) {
        let slot = self.slot(key);
        self.slots[slot] = (key, row);
    }

    fn row(&self, key: i32) -> Option<i32> {
        let (found, row) = self.slots[self.slot(key)];
        if found == key { Some(row) } else { None }
    }
}

/// Sources take turns, each giving its best pin of a group not yet taken (src/candidates/merge.ts).
fn merge(
    world: &World,
    query: u32,
    lists: &[(Vec<i32>, Vec<f32>); SOURCES],
    limit: usize,
) -> (Vec<i32>, [Vec<f32>; SOURCES]) {
    let room = limit.min(lists[0].0.len() + lists[1].0.len());
    let mut taken = Rows::new(room + 1);
    taken.set(world.pins[query as usize].group, -1);
    let group_of = |pin: &i32| match world.pins.get(*pin as usize) {
        Some(found) if !found.removed => found.group,
        _ => -1,
    };
    let groups = [0, 1].map(|s: usize| {
        let pins = &lists[s].0;
        pins.iter()
            .for_each(|pin| fetch(&world.pins, *pin as usize, 1));
        pins.iter().map(group_of).collect::<Vec<i32>>()
    });
    let mut pins = Vec::with_capacity(room);
    let mut next = [0; SOURCES];
    loop {
        let before = pins.len();
        for s in 0..SOURCES {
            if pins.len() == room {
                break;
            }
            while next[s] < groups[s].len()
                && (groups[s][next[s]] < 0 || taken.row(groups[s][next[s]]).is_some())
            {
                next[s] += 1;
            }
            if next[s] < groups[s].len() {
                taken.set(groups[s][next[s]], pins.len() as i32);
                pins.push(lists[s].0[next[s]]);
            }
            next[s] += 1;
        }
        if pins.len() == before || pins.len() == room {
            break;
        }
    }
    let scores = [0, 1].map(|s: usize| {
        let mut out = vec![f32::NAN; pins.len()];
        for (p, pin) in lists[s].0.iter().enumerate() {
            let row = if groups[s][p] < 0 {
                None
            } else {
                taken.row(groups[s][p])
            };
            if let Some(row) = row.filter(|row| *row >= 0 && pins[*row as usize] == *pin) {
                out[row as usize] = lists[s].1[p];
            }
        }
        out
    });
    (pins, scores)
}

/// The sparse row of a query, to be looked up in.
struct Sparse {
    slots: Vec<(u32, f32)>,
    size: usize,
}

impl Sparse {
    fn new(world: &World, from: usize, count: u16) -> Sparse {
        let size = usize::from(count);
        let mut slots = vec![(u32::MAX, 0.0); SLOTS.max((size * 4).next_power_of_two())];
        for at in from..from + size {
            let entry = world.entries[at];
            let slot = slot_of(&slots, entry.0);
            slots[slot] = entry;
        }
        Sparse { slots, size }
    }

    /// The sum over entries that the query has too, in the order of the row.
    fn dot(&self, world: &World, from: usize, count: u16) -> f64 {
        let mut sum = 0.0;
        for (ordinal, weight) in &world.entries[from..from + usize::from(count)] {
            let (found, own) = self.slots[slot_of(&self.slots, *ordinal)];
            if found != u32::MAX {
                sum += f64::from(*weight) * f64::from(own);
            }
        }
        sum
    }
}

fn slot_of(slots: &[(u32, f32)], ordinal: u32) -> usize {
    let shift = 32 - slots.len().trailing_zeros();
    let mut slot = (ordinal.wrapping_mul(0x9e37_79b1) >> shift) as usize;
    while slots[slot].0 != u32::MAX && slots[slot].0 != ordinal {
        slot = (slot + 1) & (slots.len() - 1);
    }
    slot
}

fn columns_of(
    world: &World,
    query: u32,
    pins: &[i32],
    source_scores: &[Vec<f32>; SOURCES],
    now: f64,
) -> Columns {
    let place = |name: &str| world.model.place(name);
    let mut out = Columns {
        filled: vec![None; world.model.features.len()],
    };
    let found: Vec<&Pin> = pins.iter().map(|pin| &world.pins[*pin as usize]).collect();
    let score_or_zero = |score: &f32| if score.is_nan() { 0.0 } else { *score };
    let indicator = |score: &f32| if score.is_nan() { 0.0 } else { 1.0 };
    out.put(
        place("cooccurrence-score"),
        source_scores[0].iter().map(score_or_zero).collect(),
    );
    out.put(
        place("from-board-cooccurrence"),
        source_scores[0].iter().map(indicator).collect(),
    );
    out.put(
        place("from-visual-neighbors"),
        source_scores[1].iter().map(indicator).collect(),
    );
    words(world, query, &found, &mut out);
    let own = &world.pins[query as usize];
    if own.domain >= 0 {
        out.put(
            place("same-domain"),
            found
                .iter()
                .map(|pin| f32::from(u8::from(pin.domain == own.domain)))
                .collect(),
        );
    }
    out.put(
        place("log-saves"),
        found
            .iter()
            .map(|pin| f64::from(pin.saves).ln_1p() as f32)
            .collect(),
    );
    out.put(
        place("freshness"),
        found
            .iter()
            .map(|pin| freshness(now - pin.created_at))
            .collect(),
    );
    looks(world, query, pins, &found, &mut out);
    out
}

fn freshness(age: f64) -> f32 {
    if age.is_nan() {
        0.0
    } else {
        (1.0 / (1.0 + age.max(0.0) / HALF_FRESH_MS)) as f32
    }
}

/// Cosines of categories, annotations and title words.
fn words(world: &World, query: u32, found: &[&Pin], out: &mut Columns) {
    let place = |name: &str| world.model.place(name);
    let own = &world.pins[query as usize];
    let first = own.first as usize;
    let annotations_at = first + usize::from(own.category_count);
    let titles_at = annotations_at + usize::from(own.annotation_count);
    let categories = Sparse::new(world, first, own.category_count);
    let annotations = Sparse::new(world, annotations_at, own.annotation_count);
    let titles = Sparse::new(world, titles_at, own.title_count);
    let squares_of = |from: usize, count: u16| {
        world.entries[from..from + usize::from(count)]
            .iter()
            .map(|(_, weight)| f64::from(*weight) * f64::from(*weight))
            .sum::<f64>()
    };
    let own_norm = squares_of(first, own.category_count).sqrt();
    let mut columns = [0, 1, 2].map(|_| Vec::with_capacity(found.len()));
    for (i, pin) in found.iter().enumerate() {
        if let Some(next) = found.get(i + AHEAD) {
            fetch(&world.entries, next.first as usize, next.entries());
        }
        let first = pin.first as usize;
        let annotations_at = first + usize::from(pin.category_count);
        let titles_at = annotations_at + usize::from(pin.annotation_count);
        let squares = squares_of(first, pin.category_count);
        let cosine = categories.dot(world, first, pin.category_count) / (own_norm * squares.sqrt());
        columns[0].push(if squares > 0.0 { cosine as f32 } else { 0.0 });
        columns[1].push(annotations.dot(world, annotations_at, pin.annotation_count) as f32);
        columns[2].push(titles.dot(world, titles_at, pin.title_count) as f32);
    }
    let [of_categories, of_annotations, of_titles] = columns;
    if categories.size > 0 {
        out.put(place("category-cosine"), of_categories);
    }
    if annotations.size > 0 {
        out.put(place("annotation-cosine"), of_annotations);
    }
    if titles.size > 0 {
        out.put(place("title-similarity"), of_titles);
    }
}

/// Similarities of codes and class scores, and what is made of them.
fn looks(world: &World, query: u32, pins: &[i32], found: &[&Pin], out: &mut Columns) {
    let place = |name: &str| world.model.place(name);
    let own = &world.pins[query as usize];
    let at = query as usize;
    let fc6: Vec<f32> = if own.has_code {
        similarities(
            world,
            &world.codes[at * world.words..(at + 1) * world.words],
            pins,
            found,
        )
    } else {
        vec![f32::NAN; pins.len()]
    };
    let fc8 = cosines(world, at, pins, found);
    let clean = |values: &[f32]| {
        values
            .iter()
            .map(|value| if value.is_nan() { 0.0 } else { *value })
            .collect::<Vec<f32>>()
    };
    let has = |values: &[f32]| {
        values
            .iter()
            .map(|value| f32::from(u8::from(!value.is_nan())))
            .collect::<Vec<f32>>()
    };
    out.put(place("fc6-similarity"), clean(&fc6));
    out.put(place("fc8-similarity"), clean(&fc8));
    out.put(place("has-fc6"), has(&fc6));
    out.put(place("has-fc8"), has(&fc8));
    let first = own.first as usize;
    for entry in first..first + usize::from(own.category_count) {
        let (ordinal, weight) = world.entries[entry];
        let crossed = clean(&fc6)
            .iter()
            .map(|value| (f64::from(weight) * f64::from(*value)) as f32)
            .collect();
        out.put(place(&world.crosses[ordinal as usize]), crossed);
    }
    let object = world.object_of[at];
    if object < 0 {
        return;
    }
    let object = &world.objects[object as usize];
    out.put(place("query-has-dominant-object"), vec![1.0; pins.len()]);
    out.put(
        place("same-object-class"),
        found
            .iter()
            .map(|pin| f32::from(u8::from(pin.label == own.label)))
            .collect(),
    );
    out.put(place("dominant other x fc6"), clean(&fc6));
    out.put(place("dominant x fc6"), clean(&fc6));
    out.put(place("dominant x fc8"), clean(&fc8));
    out.put(
        place("object-crop-fc6"),
        clean(&similarities(world, object, pins, found)),
    );
}

/// 1 - Hamming / bits; NaN where the pin has no code.
fn similarities(world: &World, code: &[u64], pins: &[i32], found: &[&Pin]) -> Vec<f32> {
    distances(&world.codes, world.words, code, pins)
        .zip(found)
        .map(|(distance, record)| {
            if record.has_code {
                (1.0 - f64::from(distance) / world.bits) as f32
            } else {
                f32::NAN
            }
        })
        .collect()
}

/// Cosines of class scores by their short codes: 1 - 2 Hamming / bits; NaN where either pin has none.
fn cosines(world: &World, query: usize, pins: &[i32], found: &[&Pin]) -> Vec<f32> {
    let words = world.sign_words;
    let own = &world.signs[query * words..(query + 1) * words];
    distances(&world.signs, words, own, pins)
        .zip(found)
        .map(|(distance, record)| {
            if record.has_code && world.pins[query].has_code {
                ((world.sign_bits - 2.0 * f64::from(distance)) / world.sign_bits) as f32
            } else {
                f32::NAN
            }
        })
        .collect()
}

/// Hamming distances of a code to those of some pins, whose rows are `words` long.
fn distances<'a>(
    codes: &'a [u64],
    words: usize,
    code: &'a [u64],
    pins: &'a [i32],
) -> impl Iterator<Item = u32> + 'a {
    pins.iter().enumerate().map(move |(i, pin)| {
        if let Some(next) = pins.get(i + AHEAD) {
            fetch(codes, *next as usize * words, words);
        }
        let at = *pin as usize * words;
        let row = &codes[at..at + words];
        row.iter()
            .zip(code)
            .map(|(a, b)| (a ^ b).count_ones())
            .sum()
    })
}

/// Sums in the order of the model's features, in every row.
fn scores_of(world: &World, columns: &Columns, rows: usize) -> Vec<f64> {
    let mut scores = vec![0.0; rows];
    for (feature, column) in world.model.features.iter().zip(&columns.filled) {
        let (weight, offset, scale) = (feature.weight, feature.offset, feature.scale);
        match column {
            _ if weight == 0.0 => (),
            Some(values) => {
                for (score, value) in scores.iter_mut().zip(values) {
                    *score += weight * ((f64::from(*value) - offset) * scale);
                }
            }
            None => {
                let term = weight * ((0.0 - offset) * scale);
                scores.iter_mut().for_each(|score| *score += term);
            }
        }
    }
    scores
}

/// The first rows by score; equal scores by pin index.
fn best_rows(scores: &[f64], pins: &[i32], count: usize) -> Vec<u32> {
    let before = |a: u32, b: u32| {
        let (x, y) = (scores[a as usize], scores[b as usize]);
        x > y || (x == y && pins[a as usize] < pins[b as usize])
    };
    let mut kept: Vec<u32> = Vec::with_capacity(count + 1);
    for row in 0..scores.len() as u32 {
        if kept.len() == count && !before(row, kept[count - 1]) {
            continue;
        }
        let place = kept.partition_point(|other| before(*other, row));
        kept.insert(place, row);
        kept.truncate(count);
    }
    kept
}

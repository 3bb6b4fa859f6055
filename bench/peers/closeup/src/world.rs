//! What a closeup reads, from the data folder of the service: pin columns, visual features, candidate lists, the serving model.
use crate::artifact::Artifact;
use serde_json::Value;
use std::collections::HashMap;
use std::fs::read_to_string;
use std::io::{Error, Result};
use std::path::Path;

const REMOVED: u8 = 8;

pub struct World {
    pub ids: Vec<String>,
    pub by_id: HashMap<String, u32>,
    pub pins: Vec<Pin>,
    /// Sparse entries of all pins: ordinal and weight.
    pub entries: Vec<(u32, f32)>,
    /// The model's column of the cross of fc6 with a category, by the category's ordinal.
    pub crosses: Vec<String>,
    /// Words of 64 bits of a code; row r at r * words.
    pub words: usize,
    pub bits: f64,
    pub codes: Vec<u64>,
    /// Short codes of fc8, as `codes`.
    pub sign_words: usize,
    pub sign_bits: f64,
    pub signs: Vec<u64>,
    /// The place of a pin's object in `objects`, by pin; -1: none.
    pub object_of: Vec<i32>,
    /// Codes of the objects' crops.
    pub objects: Vec<Vec<u64>>,
    pub lists: Vec<Lists>,
    pub model: Model,
}

/// All that is asked of a candidate but its codes: one cache line.
#[derive(Clone)]
#[repr(align(64))]
pub struct Pin {
    pub created_at: f64,
    pub saves: u32,
    pub domain: i32,
    pub group: i32,
    /// Categories, annotations and title words stand one after the other.
    pub first: u32,
    pub category_count: u16,
    pub annotation_count: u16,
    pub title_count: u16,
    pub removed: bool,
    pub has_code: bool,
    /// Label of the dominant object; u16::MAX: none.
    pub label: u16,
}

impl Pin {
    pub fn entries(&self) -> usize {
        usize::from(self.category_count)
            + usize::from(self.annotation_count)
            + usize::from(self.title_count)
    }
}

/// Candidate lists of one source, read from the file when asked.
pub struct Lists {
    pub name: &'static str,
    file: Artifact,
    starts: Vec<u64>,
    pins_at: u64,
    scores_at: u64,
}

impl Lists {
    fn open(artifacts: &Path, kind: &str, name: &'static str) -> Result<Lists> {
        let file = Artifact::current(artifacts, kind)?;
        let mut starts = vec![0];
        for length in file.read::<u32>("lengths")? {
            starts.push(starts[starts.len() - 1] + u64::from(length));
        }
        let (pins_at, scores_at) = (file.offset("pinIndexes")?, file.offset("scores")?);
        Ok(Lists {
            name,
            file,
            starts,
            pins_at,
            scores_at,
        })
    }

    /// The best `limit` entries of a list.
    pub fn read(&self, row: usize, limit: usize) -> Result<(Vec<i32>, Vec<f32>)> {
        let start = self.starts[row] as usize;
        let length = (self.starts[row + 1] as usize - start).min(limit);
        let (mut pins, mut scores) = (vec![0; length], vec![0.0; length]);
        self.file.read_into(self.pins_at, start, &mut pins)?;
        self.file.read_into(self.scores_at, start, &mut scores)?;
        Ok((pins, scores))
    }
}

pub struct Model {
    pub name: String,
    pub features: Vec<Feature>,
    places: HashMap<String, usize>,
}

impl Model {
    /// The place of a column among the model's features.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.places.get(column).copied()
    }
}

pub struct Feature {
    pub name: String,
    pub weight: f64,
    pub offset: f64,
    pub scale: f64,
}

impl World {
    pub fn open(data: &Path) -> Result<World> {
        let artifacts = data.join("artifacts");
        let columns = Artifact::current(&artifacts, "pin-columns")?;
        let features = Artifact::current(&artifacts, &features_kind(&artifacts)?)?;
        let categories = unpacked(
            &columns.read("categoryWords.bytes")?,
            &columns.read("categoryWords.ends")?,
        );
        let ids = unpacked(&columns.read("ids.bytes")?, &columns.read("ids.ends")?);
        let pins = pins_of(&columns, &features)?;
        let sign_bits = features.metadata["fc8Length"].as_f64().unwrap_or(0.0);
        let codes: Vec<u32> = features.read("codes")?;
        let bits = features.metadata["bits"].as_f64().unwrap_or(0.0);
        let words = bits as usize / 64;
        let objects = long_words(&features.read::<u32>("objectCodes")?)
            .chunks(words)
            .map(<[u64]>::to_vec)
            .collect();
        let mut object_of = vec![-1; ids.len()];
        for (place, pin) in features.read::<u32>("objectPins")?.into_iter().enumerate() {
            object_of[pin as usize] = place as i32;
        }
        Ok(World {
            by_id: ids.iter().cloned().zip(0..).collect(),
            ids,
            pins,
            entries: columns
                .read("pool.ordinals")?
                .into_iter()
                .zip(columns.read("pool.weights")?)
                .collect(),
            crosses: categories
                .iter()
                .map(|category| format!("fc6 x {category}"))
                .collect(),
            words,
            bits,
            codes: long_words(&codes),
            sign_words: sign_bits as usize / 64,
            sign_bits,
            signs: long_words(&features.read::<u32>("signs")?),
            object_of,
            objects,
            lists: vec![
                Lists::open(&artifacts, "cooccurrence", "board-cooccurrence")?,
                Lists::open(&artifacts, "visual-neighbors", "visual-neighbors")?,
            ],
            model: serving_model(data)?,
        })
    }
}

/// The one folder of packed features.
fn features_kind(artifacts: &Path) -> Result<String> {
    let names = std::fs::read_dir(artifacts)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let kinds: Vec<String> = names.filter(|name| name.starts_with("features-")).collect();
    if kinds.len() == 1 {
        Ok(kinds[0].clone())
    } else {
        Err(Error::other("expected the features of one net"))
    }
}

fn unpacked(bytes: &[u8], ends: &[u32]) -> Vec<String> {
    let mut start = 0;
    let mut name = |end: &u32| {
        let text = String::from_utf8_lossy(&bytes[start..*end as usize]).into_owned();
        start = *end as usize;
        text
    };
    ends.iter().map(&mut name).collect()
}

fn pins_of(columns: &Artifact, features: &Artifact) -> Result<Vec<Pin>> {
    let created_at: Vec<f64> = columns.read("createdAt")?;
    let saves: Vec<u32> = columns.read("saves")?;
    let domain: Vec<i32> = columns.read("domain")?;
    let group: Vec<i32> = columns.read("group")?;
    let flags: Vec<u8> = columns.read("flags")?;
    let first: Vec<u32> = columns.read("categories.start")?;
    let categories: Vec<u16> = columns.read("categories.length")?;
    let annotations: Vec<u16> = columns.read("annotations.length")?;
    let titles: Vec<u16> = columns.read("titleTerms.length")?;
    let has: Vec<u8> = features.read("has")?;
    let mut labels = vec![u16::MAX; created_at.len()];
    for (pin, label) in features
        .read::<u32>("objectPins")?
        .into_iter()
        .zip(features.read::<u16>("objectLabels")?)
    {
        labels[pin as usize] = label;
    }
    let pin = |p: usize| Pin {
        created_at: created_at[p],
        saves: saves[p],
        domain: domain[p],
        group: group[p],
        first: first[p],
        category_count: categories[p],
        annotation_count: annotations[p],
        title_count: titles[p],
        removed: flags[p] & REMOVED != 0,
        has_code: has[p] == 1,
        label: labels[p],
    };
    Ok((0..created_at.len()).map(pin).collect())
}

fn long_words(words: &[u32]) -> Vec<u64> {
    words
        .chunks_exact(2)
        .map(|pair| u64::from(pair[0]) | (u64::from(pair[1]) << 32))
        .collect()
}

fn serving_model(data: &Path) -> Result<Model> {
    let name = read_to_string(data.join("models/SERVING"))?
        .trim()
        .to_string();
    let text = read_to_string(data.join(format!("models/{name}.json")))?;
    let model: Value = serde_json::from_str(&text)?;
    let features = model["features"]
        .as_array()
        .ok_or_else(|| Error::other("a model without features"))?;
    let features: Vec<Feature> = features.iter().map(feature_of).collect::<Result<_>>()?;
    let places = features
        .iter()
        .enumerate()
        .map(|(place, feature)| (feature.name.clone(), place))
        .collect();
    Ok(Model {
        name,
        features,
        places,
    })
}

fn feature_of(given: &Value) -> Result<Feature> {
    let number = |value: &Value| {
        value
            .as_f64()
            .ok_or_else(|| Error::other("a feature lacks a number"))
    };
    let normalization = &given["normalization"];
    let (offset, scale) = match normalization["kind"].as_str() {
        Some("none") => (0.0, 1.0),
        Some("standard") => (
            number(&normalization["mean"])?,
            1.0 / number(&normalization["deviation"])?,
        ),
        kind => {
            return Err(Error::other(format!(
                "the peer knows no normalization {kind:?}"
            )));
        }
    };
    let name = given["name"].as_str().unwrap_or("").to_string();
    Ok(Feature {
        name,
        weight: number(&given["weight"])?,
        offset,
        scale,
    })
}

//! `keyquake report`: the pages of finished runs, drawn again from their data.

use crate::exit::{Exit, Failure};
use crate::sim::folder::{DATA, INDEX, PAGE};
use crate::terminal;
use clap::Args;
use reports::{RunReport, page};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keyquake report runs/quickstart-seed-42 -o quickstart.html\n  keyquake report runs"
)]
pub(crate) struct Arguments {
    /// Folders of runs, or folders of such folders
    #[arg(required = true, value_name = "RUN_FOLDER")]
    folders: Vec<PathBuf>,
    /// The page of the one run; otherwise pages go into the folders of their runs
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A finished run and its folder.
struct Kept {
    folder: PathBuf,
    report: RunReport,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (mut runs, mut broken) = (Vec::new(), Vec::new());
    for folder in &arguments.folders {
        read(folder, (&mut runs, &mut broken))?;
    }
    broken.iter().for_each(|why: &String| terminal::complain(why));
    match (&arguments.output, runs.as_slice()) {
        (Some(output), [only]) => draw(output, &page::page(&only.report))?,
        (Some(_), _) => {
            let many = "-o names the page of one run; without it, each page goes into the folder \
                        of its run and an index beside them";
            return Err(Failure::usage(many));
        }
        (None, runs) => draw_all(runs)?,
    }
    Ok(if broken.is_empty() { Exit::Fine } else { Exit::Usage })
}

/// The run of a folder, or the runs of the folders in it, and why some of those cannot be drawn.
fn read(folder: &Path, (kept, broken): (&mut Vec<Kept>, &mut Vec<String>)) -> Result<(), Failure> {
    if folder.join(DATA).is_file() {
        kept.push(read_one(folder)?);
        return Ok(());
    }
    let unreadable = |error| Failure::file("read", folder, &error);
    let mut inner = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        inner.insert(entry.map_err(unreadable)?.path());
    }
    inner.retain(|path| path.join(DATA).is_file());
    if inner.is_empty() {
        return Err(Failure::usage(format!("{}: no {DATA} is in it", folder.display())));
    }
    for run in inner {
        match read_one(&run) {
            Ok(run) => kept.push(run),
            Err(Failure::Said { message, .. }) => broken.push(message),
            Err(closed) => return Err(closed),
        }
    }
    Ok(())
}

fn read_one(folder: &Path) -> Result<Kept, Failure> {
    let path = folder.join(DATA);
    let text = fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))?;
    if is_load(&text) {
        let (path, page) = (path.display(), folder.join(PAGE));
        return Err(Failure::usage(format!(
            "{path}: this is a load and no run; `keyquake load --out` has written its page, {}",
            page.display()
        )));
    }
    let report = RunReport::from_json(&text)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    Ok(Kept { folder: folder.to_owned(), report })
}

/// Whether the data is what `keyquake load` keeps. A load has a target, and a run has a seed and a digest.
fn is_load(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Told {
        digest: Option<IgnoredAny>,
        samples: Option<IgnoredAny>,
    }
    serde_json::from_str(text)
        .is_ok_and(|told: Told| told.samples.is_some() && told.digest.is_none())
}

fn draw_all(runs: &[Kept]) -> Result<(), Failure> {
    for run in runs {
        draw(&run.folder.join(PAGE), &page::page(&run.report))?;
    }
    let parents: BTreeSet<&Path> = runs.iter().filter_map(|run| run.folder.parent()).collect();
    for parent in parents {
        let inside = runs.iter().filter(|run| run.folder.parent() == Some(parent));
        let reports: Vec<RunReport> = inside.map(|run| run.report.clone()).collect();
        if reports.len() > 1 {
            draw(&parent.join(INDEX), &page::index(&reports))?;
        }
    }
    Ok(())
}

fn draw(path: &Path, page: &str) -> Result<(), Failure> {
    fs::write(path, page).map_err(|error| Failure::file("write", path, &error))?;
    terminal::print(&format!("{}\n", path.display()))
}

//! The HSM fleet: how busy each one was, how long its queue, and whom hosts gave up.

use super::shell::{Table, section};
use crate::data::{HsmUse, Micros, RunReport};
use crate::format::{decimal, span, thousands};
use maud::{Markup, html};

/// The section; nothing for a run without HSMs of its own.
pub(super) fn fleet(report: &RunReport) -> Markup {
    if report.hsms.is_empty() {
        return html! {};
    }
    let content = html! { (work(report)) (trust(report)) };
    section("hsms", "HSM fleet", &content)
}

fn work(report: &RunReport) -> Markup {
    let table = Table {
        caption: "What each HSM had to do",
        columns: &["HSM", "#Commands", "#Utilisation", "#Mean wait", "#Deepest queue", "#Refused"],
    };
    table.of(report.hsms.iter().map(|hsm| work_of(hsm, report.simulated)))
}

fn work_of(hsm: &HsmUse, run: Micros) -> Markup {
    html! {
        tr {
            td { code { (hsm.name) } }
            td.number { (thousands(hsm.commands)) }
            td.number { (decimal(100.0 * hsm.utilisation(run), 2)) " %" }
            td.number { (span(hsm.mean_wait())) }
            td.number { (thousands(hsm.deepest)) }
            td.number { (thousands(hsm.refused)) }
        }
    }
}

fn trust(report: &RunReport) -> Markup {
    let table = Table {
        caption: "What hosts and workers thought of each HSM",
        columns: &[
            "HSM",
            "#Hedges",
            "#Retries",
            "#Time-outs",
            "#Quarantined",
            "#Discarded",
            "#Distrusted",
            "#Sessions",
            "#Unknown sessions",
        ],
    };
    table.of(report.hsms.iter().map(|hsm| {
        let counts = [
            hsm.hedges,
            hsm.retries,
            hsm.timeouts,
            hsm.quarantines,
            hsm.discarded,
            hsm.distrusted,
            hsm.sessions,
            hsm.unknown_sessions,
        ];
        html! {
            tr {
                td { code { (hsm.name) } }
                @for count in counts { td.number { (thousands(count)) } }
            }
        }
    }))
}

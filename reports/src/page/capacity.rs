//! The page about capacities: one core against the request quotas of every class of Regions.

use maud::{Markup, html};

use super::shell::{Table, document, figure, section};
use crate::chart::CapacityChart;
use crate::data::{Capacity, CapacityReport};
use crate::format::decimal;

/// The page.
#[must_use]
pub fn capacities(report: &CapacityReport) -> String {
    let mut classes: Vec<&str> = Vec::new();
    for one in &report.capacities {
        if !classes.contains(&one.class.as_str()) {
            classes.push(&one.class);
        }
    }
    let body = html! {
        header class="banner pass" {
            div.inner {
                h1 { span.verdict { "One core against request quotas" } }
                p.sentence { (report.profile) }
                p.description { (report.machine) }
            }
        }
        main {
            @for class in &classes { (of_class(class, report)) }
            @if classes.is_empty() {
                (section("none", "Nothing", &html! { p.note { "No operation of a quota was measured." } }))
            }
        }
    };
    document("One core against request quotas", &body)
}

fn of_class(class: &str, report: &CapacityReport) -> Markup {
    let of_class: Vec<&Capacity> =
        report.capacities.iter().filter(|one| one.class == class).collect();
    let rows = of_class.iter().map(|one| {
        html! {
            tr {
                td { (one.pool) @if one.assumed { " " span.badge.blind { "assumed" } } }
                td.number { (decimal(one.limit, 2)) }
                td { (one.backend) small { (one.layer) } }
                td { (one.operation) }
                td.number { (decimal(one.per_second, 1)) }
                td.number { (decimal(one.times(), 2)) "×" }
            }
        }
    });
    let table = Table {
        caption: "By the slowest operation of each pool that was measured",
        columns: &["Pool", "#Limit a second", "Backend", "Operation", "#A second", "#Times"],
    };
    let content = html! {
        (figure(&CapacityChart::new(class, &report.capacities)))
        (table.of(rows))
    };
    section(class, &format!("Regions of class {class}"), &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_stands_alone_and_escapes() {
        let capacity = Capacity {
            pool: "<symmetric>".to_owned(),
            class: "medium".to_owned(),
            limit: 20_000.0,
            assumed: true,
            backend: "a".to_owned(),
            layer: "library".to_owned(),
            operation: "encrypt".to_owned(),
            per_second: 5e4,
        };
        let capacities = vec![capacity];
        let report = CapacityReport { capacities, ..CapacityReport::default() };
        let page = super::capacities(&report);
        assert!(page.contains("2.5×") && page.contains("assumed"), "{page}");
        assert!(!page.contains("<symmetric>") && !page.contains("src="), "{page}");
        assert!(super::capacities(&CapacityReport::default()).contains("No operation"));
    }
}

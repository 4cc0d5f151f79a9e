//! Keys from where people keep them: CloudFormation templates and Terraform plans.
//!
//! [`Inventory::read`] makes one list of keys, aliases and grants out of either; `sim` begins with it,
//! `policy explain` answers about it and [`check`] looks for what will hurt. Nothing a file says is
//! dropped in silence: a property nobody knows is an error in a template and a warning in a plan,
//! whose provider is free to add computed ones.
//!
//! | module | what it holds |
//! |---|---|
//! | `node` | the tree of a file, with places |
//! | `cloudformation`, `intrinsic` | templates and their functions |
//! | `terraform` | plans |
//! | `inventory` | what a file declares |
//! | `check` | what will hurt |
//! | `founding` | how a world comes to have what a file declares |

mod check;
mod cloudformation;
mod founding;
mod intrinsic;
mod inventory;
mod node;
mod problem;
mod terraform;

pub use check::{Finding, FindingKind, check};
pub use founding::{Asks, Founding};
pub use inventory::{DeclaredAlias, DeclaredGrant, DeclaredKey, DeclaredPolicy, Home, Inventory};
pub use node::At;
pub use problem::Problem;

use node::Node;

impl Inventory {
    /// What the text of a file declares; the format is found out.
    ///
    /// # Errors
    /// The first problem, with its place.
    pub fn read(text: &str, home: Home) -> Result<Inventory, Problem> {
        let root = Node::parse(text)?;
        if cloudformation::is_template(&root) {
            return cloudformation::read(&root, home);
        }
        if terraform::is_plan(&root) {
            return terraform::read(&root, home);
        }
        Err(Problem::at(
            At { line: 1, column: 1 },
            "neither a CloudFormation template, which has Resources, nor a Terraform plan as JSON, which has planned_values",
        ))
    }
}

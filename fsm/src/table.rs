//! A machine as data: what can be printed, walked and checked.

use core::fmt;

/// What a row says about one state and one event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// The event leads to `next` and orders `actions`.
    Go {
        /// The state after the event.
        next: &'static str,
        /// What is to be done, in order.
        actions: &'static [&'static str],
    },
    /// The event changes nothing here, on purpose.
    Ignore,
    /// The event is a call that is an error here.
    Refuse,
}

/// One row, by names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// The state before the event.
    pub state: &'static str,
    /// The event.
    pub event: &'static str,
    /// What follows.
    pub rule: Rule,
}

/// A whole machine, by names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Machine {
    /// Its name, as `invite_client`.
    pub name: &'static str,
    /// Where it begins.
    pub start: &'static str,
    /// All states.
    pub states: &'static [&'static str],
    /// All events.
    pub events: &'static [&'static str],
    /// One row for each state and event.
    pub rows: &'static [Row],
}

impl Machine {
    /// The machine as a Mermaid state diagram.
    #[must_use]
    pub const fn mermaid(&self) -> Mermaid<'_> {
        Mermaid(self)
    }

    /// The machine in Graphviz's language.
    #[must_use]
    pub const fn dot(&self) -> Dot<'_> {
        Dot(self)
    }

    /// Every row as JSON, ignored and refused pairs too.
    #[must_use]
    pub const fn json(&self) -> Json<'_> {
        Json(self)
    }

    /// Whether some sequence of events leads from the start to `state`.
    #[must_use]
    pub fn is_reachable(&self, state: &str) -> bool {
        // Each round reaches at least one more state or is the last.
        let mut reached = [false; STATES_MAX];
        let index = |name: &str| self.states.iter().position(|s| *s == name).unwrap_or(STATES_MAX);
        if let Some(slot) = reached.get_mut(index(self.start)) {
            *slot = true;
        }
        for _ in self.states {
            for row in self.rows {
                if let Rule::Go { next, .. } = row.rule
                    && reached.get(index(row.state)) == Some(&true)
                    && let Some(slot) = reached.get_mut(index(next))
                {
                    *slot = true;
                }
            }
        }
        reached.get(index(state)) == Some(&true)
    }

    /// Whether no event leads out of `state`.
    #[must_use]
    pub fn is_final(&self, state: &str) -> bool {
        !self.rows.iter().any(|row| {
            row.state == state && matches!(row.rule, Rule::Go { next, .. } if next != state)
        })
    }
}

/// States that a machine may have at most.
pub const STATES_MAX: usize = 64;

/// Prints a machine for Mermaid.
#[derive(Clone, Copy, Debug)]
pub struct Mermaid<'a>(&'a Machine);

impl fmt::Display for Mermaid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "stateDiagram-v2")?;
        writeln!(f, "    [*] --> {}", self.0.start)?;
        for row in self.0.rows {
            if let Rule::Go { next, actions } = row.rule {
                write!(f, "    {} --> {next} : {}", row.state, row.event)?;
                for (position, action) in actions.iter().enumerate() {
                    write!(f, "{}{action}", if position == 0 { " / " } else { ", " })?;
                }
                writeln!(f)?;
            }
        }
        for state in self.0.states {
            if self.0.is_final(state) {
                writeln!(f, "    {state} --> [*]")?;
            }
        }
        Ok(())
    }
}

/// Prints a machine for Graphviz.
#[derive(Clone, Copy, Debug)]
pub struct Dot<'a>(&'a Machine);

impl fmt::Display for Dot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "digraph {} {{", self.0.name)?;
        for state in self.0.states {
            let shape = if self.0.is_final(state) { "doublecircle" } else { "ellipse" };
            writeln!(f, "    {state} [shape={shape}];")?;
        }
        for row in self.0.rows {
            if let Rule::Go { next, actions } = row.rule {
                write!(f, "    {} -> {next} [label=\"{}", row.state, row.event)?;
                for action in actions {
                    write!(f, "\\n{action}")?;
                }
                writeln!(f, "\"];")?;
            }
        }
        writeln!(f, "}}")
    }
}

/// Prints a machine as JSON. Names are identifiers, so nothing needs escaping.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(&'a Machine);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{{\"machine\":\"{}\",\"start\":\"{}\",\"rows\":[", self.0.name, self.0.start)?;
        for (position, row) in self.0.rows.iter().enumerate() {
            let comma = if position + 1 == self.0.rows.len() { "" } else { "," };
            write!(f, "{{\"state\":\"{}\",\"event\":\"{}\",", row.state, row.event)?;
            match row.rule {
                Rule::Go { next, actions } => {
                    write!(f, "\"kind\":\"transition\",\"next\":\"{next}\",\"actions\":[")?;
                    for (place, action) in actions.iter().enumerate() {
                        write!(f, "{}\"{action}\"", if place == 0 { "" } else { "," })?;
                    }
                    writeln!(f, "]}}{comma}")?;
                }
                Rule::Ignore | Rule::Refuse => {
                    let kind = if row.rule == Rule::Ignore { "ignore" } else { "refuse" };
                    writeln!(
                        f,
                        "\"kind\":\"{kind}\",\"next\":\"{}\",\"actions\":[]}}{comma}",
                        row.state
                    )?;
                }
            }
        }
        writeln!(f, "]}}")
    }
}

//! Reading the compiler's assembly for x86-64, as LLVM writes it for ELF.

use std::collections::BTreeMap;

/// An instruction, or a label that jumps go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A local label.
    Label(String),
    /// A mnemonic with its operands; the `lock` prefix belongs to it.
    Instruction(String, Vec<String>),
}

/// A function's body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Function {
    lines: Vec<Line>,
}

/// The functions of a file by name. Where the compiler made two equal functions one, both names
/// are there.
pub(crate) fn functions(text: &str) -> BTreeMap<String, Function> {
    let mut functions: BTreeMap<String, Function> = BTreeMap::new();
    let mut aliases = Vec::new();
    let mut current: Option<String> = None;
    let mut locked = false;
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        if let Some(label) = line.strip_suffix(':') {
            if !label.starts_with('.') {
                current = Some(label.to_owned());
            } else if let (Some(name), true) = (&current, label.starts_with(".LBB")) {
                let function = functions.entry(name.clone()).or_default();
                function.lines.push(Line::Label(label.to_owned()));
            } else if label.starts_with(".Lfunc_end") {
                current = None;
            }
            continue;
        }
        if let Some(alias) = line.strip_prefix(".set") {
            if let Some((name, of)) = alias.split_once(',') {
                aliases.push((name.trim().to_owned(), of.trim().to_owned()));
            }
            continue;
        }
        if let Some((name, of)) = line.split_once(" = ") {
            aliases.push((name.trim().to_owned(), of.trim().to_owned()));
            continue;
        }
        let Some(name) = &current else { continue };
        if line.is_empty() || line.starts_with('.') {
            continue;
        }
        let mut words = line.splitn(2, char::is_whitespace);
        let mut mnemonic = words.next().unwrap_or("").to_owned();
        let mut rest = words.next().unwrap_or("").trim();
        if mnemonic == "lock" {
            locked = true;
            if rest.is_empty() {
                continue;
            }
            let mut words = rest.splitn(2, char::is_whitespace);
            words.next().unwrap_or("").clone_into(&mut mnemonic);
            rest = words.next().unwrap_or("").trim();
        }
        if std::mem::take(&mut locked) {
            mnemonic.insert_str(0, "lock ");
        }
        let function = functions.entry(name.clone()).or_default();
        function.lines.push(Line::Instruction(mnemonic, operands(rest)));
    }
    for (name, of) in aliases {
        if let Some(function) = functions.get(&of).cloned() {
            functions.insert(name, function);
        }
    }
    functions
}

/// Splits at the commas that are not inside parentheses.
fn operands(text: &str) -> Vec<String> {
    let mut depth = 0;
    let parts = text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn is_memory(operand: &str) -> bool {
    operand.contains('(')
}

/// Whether it orders all of memory: a locked operation, an exchange with memory, a fence.
fn is_heavy(mnemonic: &str, operands: &[String]) -> bool {
    mnemonic.starts_with("lock ")
        || mnemonic == "mfence"
        || mnemonic.starts_with("xchg") && operands.iter().any(|operand| is_memory(operand))
}

impl Function {
    /// Whether it is the same as another, but for the numbers of its labels.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.with_own_labels() == other.with_own_labels()
    }

    /// Its lines with labels numbered from 0.
    fn with_own_labels(&self) -> Vec<Line> {
        let labels: Vec<&String> = self
            .lines
            .iter()
            .filter_map(|line| if let Line::Label(label) = line { Some(label) } else { None })
            .collect();
        let own = |name: &String| match labels.iter().position(|label| *label == name) {
            Some(number) => format!(".L{number}"),
            None => name.clone(),
        };
        let renamed = |line: &Line| match line {
            Line::Label(label) => Line::Label(own(label)),
            Line::Instruction(mnemonic, operands) => {
                Line::Instruction(mnemonic.clone(), operands.iter().map(own).collect())
            }
        };
        self.lines.iter().map(renamed).collect()
    }

    /// How many instructions it has that order all of memory.
    pub(crate) fn heavy(&self) -> usize {
        let heavy = |line: &&Line| matches!(line, Line::Instruction(name, operands) if is_heavy(name, operands));
        self.lines.iter().filter(heavy).count()
    }

    /// How many instructions it has.
    pub(crate) fn length(&self) -> usize {
        self.lines.iter().filter(|line| matches!(line, Line::Instruction(..))).count()
    }

    /// The shortest loop with a compare-exchange in it.
    pub(crate) fn retry_loop(&self) -> Option<Self> {
        let mut best: Option<Self> = None;
        for (end, line) in self.lines.iter().enumerate() {
            let Line::Instruction(name, operands) = line else { continue };
            if !name.starts_with('j') {
                continue;
            }
            let before = &self.lines[..end];
            let target = operands.first().and_then(|label| {
                before.iter().position(|line| matches!(line, Line::Label(name) if name == label))
            });
            let Some(start) = target else { continue };
            let body = Self { lines: self.lines[start..=end].to_vec() };
            let shorter = best.as_ref().is_none_or(|best| body.length() < best.length());
            if body.exchanged_word().is_some() && shorter {
                best = Some(body);
            }
        }
        best
    }

    /// The memory operand of its first compare-exchange.
    fn exchanged_word(&self) -> Option<&str> {
        self.lines.iter().find_map(|line| match line {
            Line::Instruction(name, operands) if name.starts_with("lock cmpxchg") => {
                operands.iter().map(String::as_str).find(|operand| is_memory(operand))
            }
            _ => None,
        })
    }

    /// The first attempt at an exchange: what comes after the read of the word, up to the branch
    /// that follows the exchange.
    pub(crate) fn attempt(&self) -> Option<Self> {
        let word = self.exchanged_word()?;
        let exchange = self.lines.iter().position(
            |line| matches!(line, Line::Instruction(name, _) if name.starts_with("lock cmpxchg")),
        )?;
        let read = self.lines[..exchange].iter().position(|line| {
            matches!(line, Line::Instruction(_, operands) if operands.first().is_some_and(|from| from == word))
        })?;
        let branch = self.lines[exchange..]
            .iter()
            .position(|line| matches!(line, Line::Instruction(name, _) if name.starts_with('j')))?;
        Some(Self { lines: self.lines[read + 1..=exchange + branch].to_vec() })
    }

    /// How often it reads, besides the exchange itself, the word that it exchanges.
    pub(crate) fn loads_of_exchanged_word(&self) -> usize {
        let Some(word) = self.exchanged_word() else { return 0 };
        let loads = |line: &&Line| match line {
            Line::Instruction(name, operands) => {
                !name.starts_with("lock ") && operands.first().is_some_and(|from| from == word)
            }
            Line::Label(_) => false,
        };
        self.lines.iter().filter(loads).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\t.text\npush:\n\t.cfi_startproc\n\tmovq\t(%rdi), %rax\n.LBB0_1:\n\
        \tmovq\t%rax, (%rdx)\n\tlock\n\tcmpxchgq\t%rsi, (%rdi)\n\tjne\t.LBB0_1 # again\n\tretq\n\
        .Lfunc_end0:\n\t.cfi_endproc\ntwice:\n.LBB1_1:\n\tmovq\t(%rdi), %rcx\n\tmovq\t(%rdi), %rax\n\
        \tlock\t\tcmpxchgq\t%rsi, (%rdi)\n\tjne\t.LBB1_1\n\tmfence\n\tretq\n.Lfunc_end1:\n\
        .set other, push\n";

    #[test]
    fn a_retry_loop_is_found_and_measured() {
        let all = functions(TEXT);
        let inner = all["push"].retry_loop().unwrap();
        assert_eq!((inner.length(), inner.loads_of_exchanged_word()), (3, 0));
        let inner = all["twice"].retry_loop().unwrap();
        assert_eq!((inner.length(), inner.loads_of_exchanged_word()), (4, 2));
    }

    #[test]
    fn an_attempt_goes_from_the_read_to_the_branch() {
        let all = functions(TEXT);
        let attempt = all["push"].attempt().unwrap();
        assert_eq!((attempt.length(), attempt.loads_of_exchanged_word()), (3, 0));
        // A second read of the word is one too many.
        let attempt = all["twice"].attempt().unwrap();
        assert_eq!(attempt.loads_of_exchanged_word(), 1);
    }

    #[test]
    fn equal_functions_are_known_by_both_names() {
        let all = functions(TEXT);
        assert_eq!(all["other"], all["push"]);
        assert_ne!(all["twice"], all["push"]);
    }

    #[test]
    fn fences_and_locked_operations_are_heavy() {
        let all = functions(TEXT);
        assert_eq!((all["push"].heavy(), all["twice"].heavy()), (1, 2));
        let exchange = functions("x:\n\txchgq %rax, (%rdi)\n\txchgq %rax, %rcx\n");
        assert_eq!(exchange["x"].heavy(), 1);
    }
}

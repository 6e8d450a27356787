//! The order in which servers of a service are tried (RFC 2782).

use offhook_fsm::Entropy;

use super::Srv;

/// Sorts by priority; among those of one priority chance decides, each by its weight.
#[must_use]
pub fn order_srv(mut servers: Vec<Srv>, entropy: &mut Entropy) -> Vec<Srv> {
    // Those of weight 0 first, so that they have a very small chance and not none.
    servers.sort_by_key(|server| (server.priority, server.weight));
    let mut ordered = Vec::with_capacity(servers.len());
    while let Some(priority) = servers.first().map(|server| server.priority) {
        let equal = || servers.iter().take_while(|server| server.priority == priority);
        let sum: u64 = equal().map(|server| u64::from(server.weight)).sum();
        let drawn = entropy.below(sum + 1);
        let mut running = 0;
        let at = equal().position(|server| {
            running += u64::from(server.weight);
            running >= drawn
        });
        ordered.push(servers.remove(at.unwrap_or_default()));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(priority: u16, weight: u16, port: u16) -> Srv {
        Srv { priority, weight, port, target: None }
    }

    #[test]
    fn a_lower_priority_comes_first_and_nothing_is_lost() {
        let all = vec![server(20, 0, 1), server(10, 5, 2), server(10, 0, 3), server(0, 1, 4)];
        let mut entropy = Entropy::from_u64(1);
        let ordered = order_srv(all.clone(), &mut entropy);
        assert_eq!(ordered.len(), all.len());
        assert!(ordered.is_sorted_by_key(|server| server.priority));
        assert_eq!((ordered[0].port, ordered[3].port), (4, 1));
    }

    #[test]
    fn chance_follows_the_weights_and_the_seed() {
        let all = vec![server(1, 60, 1), server(1, 30, 2), server(1, 10, 3), server(1, 0, 4)];
        let mut first = [0_u32; 5];
        let mut entropy = Entropy::from_u64(7);
        for _ in 0..10_000 {
            let ordered = order_srv(all.clone(), &mut entropy);
            first[usize::from(ordered[0].port)] += 1;
        }
        assert!((5_700..6_300).contains(&first[1]), "{first:?}");
        assert!((2_700..3_300).contains(&first[2]), "{first:?}");
        assert!((800..1_200).contains(&first[3]), "{first:?}");
        // The one without weight: its chance is one in 101.
        assert!((1..300).contains(&first[4]), "{first:?}");
        let with = |seed| order_srv(all.clone(), &mut Entropy::from_u64(seed));
        assert_eq!(with(3), with(3));
    }
}

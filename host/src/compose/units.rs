//! Units: the parts that share a store. The unit of the consumer has every part that is not isolated
//! itself and is not used by an isolated plug alone.
//!
//! A part can only call parts after it in the stack, so calls between units never lead back into a unit
//! that is waiting for one.

use super::{
    error::ComposeError,
    link::{Link, Provider},
    part::Part,
};

/// The parts of a composition, divided into units.
pub(super) struct Units {
    /// The unit of each part.
    of_part: Vec<usize>,
    /// The indices of the parts of each unit, in the order of the stack. The first one is the consumer
    /// or an isolated plug, and the others are used by parts of the unit only.
    pub(super) members: Vec<Vec<usize>>,
}

impl Units {
    /// Finds the unit of each part, and marks the links between units.
    pub(super) fn divide(parts: &[&Part], links: &mut [Link]) -> Result<Self, ComposeError> {
        let mut units = Self {
            of_part: vec![0],
            members: vec![vec![0]],
        };
        for (index, part) in parts.iter().enumerate().skip(1) {
            let unit = match part.isolation {
                Some(_) => units.members.len(),
                None => units.of_importers(index, parts, links)?,
            };
            units.of_part.push(unit);
            match units.members.get_mut(unit) {
                Some(members) => members.push(index),
                None => units.members.push(vec![index]),
            }
        }
        for link in links {
            let (importer, provider) = (link.importer, &link.provider);
            if let Provider::Part { index, export } = provider
                && units.of_part[*index] != units.of_part[importer]
            {
                link.provider = Provider::Isolated {
                    unit: units.of_part[*index],
                    index: *index,
                    export: export.clone(),
                };
            }
        }
        Ok(units)
    }

    /// The unit of the parts that import from the part at `index`, all of which come before it.
    fn of_importers(
        &self,
        index: usize,
        parts: &[&Part],
        links: &[Link],
    ) -> Result<usize, ComposeError> {
        let mut importers = links
            .iter()
            .filter(|link| link.part().is_some_and(|(provider, _)| provider == index))
            .map(|link| link.importer);
        // A plug without importers has been refused.
        let first = importers.next().unwrap_or(0);
        match importers.find(|importer| self.of_part[*importer] != self.of_part[first]) {
            None => Ok(self.of_part[first]),
            Some(other) => Err(ComposeError::SharedByUnits {
                plug: parts[index].name.clone(),
                importers: [first, other].map(|importer| parts[importer].name.clone()),
            }),
        }
    }

    /// The links of the parts of a unit, with the indices that the parts have in the unit.
    pub(super) fn links_of(&self, unit: usize, links: &[Link]) -> Vec<Link> {
        let members = &self.members[unit];
        let own = |index: usize| members.iter().position(|member| *member == index);
        let link = |link: &Link| {
            let mut link = link.clone();
            link.importer = own(link.importer)?;
            if let Provider::Part { index, .. } = &mut link.provider {
                *index = own(*index)?;
            }
            Some(link)
        };
        links.iter().filter_map(link).collect()
    }
}

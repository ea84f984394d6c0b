//! Reasons why a function is not carried as strings.

use std::fmt;

/// The reason why the bytes of a function of an edge between two parts are always copied one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// No parameter and no result has a byte list at a place that a guard finds.
    NoBytes,
    Resource,
    TextInList,
    OtherType,
    LargeType,
    ManyStrings,
    LikeString,
    ListInList,
    DifferentTypes,
    OtherEncoding,
    OtherConvention,
    OtherMemory,
    Tasks,
    InsideProvider,
    InsideImporter,
    NotUnderstood,
    ManyFunctions,
    ManyModules,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBytes => "it passes no byte list outside of other lists",
            Self::Resource => "it passes a resource",
            Self::TextInList => "it passes text inside a list",
            Self::OtherType => "it passes a type that guards do not know",
            Self::LargeType => "its type is too large",
            Self::ManyStrings => "it passes too many strings and byte lists",
            Self::LikeString => {
                "it passes a list, or more than 16 core parameters in memory, aligned to two bytes"
            }
            Self::ListInList => "it passes lists inside a list beside a text or a byte list",
            Self::DifferentTypes => "its type differs between the two parts",
            Self::OtherEncoding => "a part encodes its strings in another way than UTF-8",
            Self::OtherConvention => "a part calls or implements it asynchronously",
            Self::OtherMemory => {
                "a part has a memory that is shared, or not one of 32-bit addresses"
            }
            Self::Tasks => "a part can have several tasks at a time",
            Self::InsideProvider => "the provider does not implement it itself",
            Self::InsideImporter => "only a component inside the importer can call it",
            Self::NotUnderstood => "a part is built in a way that the composer cannot change",
            Self::ManyModules => {
                "with guards the program would have more core modules or instances than the engine takes"
            }
            Self::ManyFunctions => "the guards of a part would be too large",
        })
    }
}

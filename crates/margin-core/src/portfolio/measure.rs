//! Which loss of a risk array counts.

use super::{MAX_GRID, MarginError, Measure, WorstCase, ratio::floor_division};

impl Measure {
    /// The loss that counts among the profits of a risk array (given, or a sum of several), never positive, and where it
    /// comes from. A mean rounds down.
    ///
    /// # Errors
    /// `Overflow`; `ScenarioCount` for more than [`MAX_GRID`] scenarios under a mean.
    pub fn worst<T: Copy + Into<i128>>(self, profits: &[T]) -> Result<(i128, WorstCase), MarginError> {
        let mut worst = (0i128, WorstCase::None);
        for (index, profit) in (0u8..=u8::MAX).zip(profits) {
            let profit = (*profit).into();
            if profit < worst.0 {
                worst = (profit, WorstCase::Scenario(index));
            }
        }
        match self {
            Self::Shortfall(count) if count > 1 => {
                let mean = shortfall(profits, count)?;
                Ok(if mean < 0 { (mean, worst.1) } else { (0, WorstCase::None) })
            }
            Self::Worst | Self::Shortfall(_) => Ok(worst),
        }
    }
}

/// Mean of the `count` worst profits (of all, if there are fewer), rounded down.
#[inline(never)]
fn shortfall<T: Copy + Into<i128>>(profits: &[T], count: u8) -> Result<i128, MarginError> {
    if profits.len() > MAX_GRID {
        return Err(MarginError::ScenarioCount);
    }
    let mut worst = [i128::MAX; MAX_GRID];
    let count = usize::from(count).clamp(1, MAX_GRID).min(profits.len().max(1));
    let Some(worst) = worst.get_mut(..count) else { return Err(MarginError::ScenarioCount) };
    for profit in profits {
        // Carries the larger of each pair up the sorted list.
        let mut carried = (*profit).into();
        for slot in worst.iter_mut() {
            if carried < *slot {
                core::mem::swap(slot, &mut carried);
            }
        }
    }
    let mut sum = 0i128;
    for profit in worst.iter() {
        sum = sum.checked_add(*profit).ok_or(MarginError::Overflow)?;
    }
    floor_division(sum, count as i128)
}

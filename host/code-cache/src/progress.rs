//! Word of compiling that takes long, and silence about all else.

use crate::CacheError;
use std::pin::pin;
use std::time::Duration;
use tokio::time::Instant;

/// When a user begins to wonder. Rust and Go components are done by then and pass without a word.
const WORTH_A_WORD: Duration = Duration::from_secs(1);

/// What there is to tell while [`CodeCache::load`](crate::CodeCache::load) is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Compiling has taken a second and is not done.
    Compiling,
    /// Compiling, after a `Compiling`, has succeeded. When it fails, the error tells.
    Compiled {
        /// How long it took in all.
        took: Duration,
    },
}

/// Tells of compiling that takes long.
pub(crate) async fn announced(
    compiling: impl Future<Output = Result<(), CacheError>>,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<(), CacheError> {
    let start = Instant::now();
    let mut compiling = pin!(compiling);
    if let Ok(result) = tokio::time::timeout(WORTH_A_WORD, &mut compiling).await {
        return result;
    }
    progress(Progress::Compiling);
    compiling.await?;
    progress(Progress::Compiled { took: start.elapsed() });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// What is told about compiling that takes so long, in a time that does not really pass.
    async fn told(compiling: Duration, result: Result<(), CacheError>) -> Vec<Progress> {
        let told = Mutex::new(Vec::new());
        let compiling = async {
            tokio::time::sleep(compiling).await;
            result
        };
        let _ = announced(compiling, &|step| told.lock().unwrap().push(step)).await;
        told.into_inner().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn compiling_that_is_done_within_a_second_passes_without_a_word() {
        assert_eq!(told(Duration::from_millis(900), Ok(())).await, []);
    }

    #[tokio::test(start_paused = true)]
    async fn compiling_that_takes_longer_is_told_once_and_again_at_the_end() {
        let took = Duration::from_secs(5);
        assert_eq!(
            told(took, Ok(())).await,
            [Progress::Compiling, Progress::Compiled { took }]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn compiling_that_fails_late_is_not_told_as_done() {
        let failed = CacheError::Compile { message: String::new() };
        assert_eq!(told(Duration::from_secs(5), Err(failed)).await, [Progress::Compiling]);
    }
}

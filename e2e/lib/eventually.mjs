/** Repeats check until it throws no longer, and throws its last error after patience. Gives what check gives: what a page shows
 *  follows a hand's move a moment later, on a busy computer many moments. */
export async function eventually(check, patience = 15_000) {
  for (const end = Date.now() + patience; ; ) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
  }
}

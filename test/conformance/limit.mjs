/** At most `permits` of the given functions run at once; the others wait in the order they came. */
export function createLimit(permits) {
  let free = permits
  const waiting = []

  async function acquire() {
    if (free === 0) return new Promise((resolve) => waiting.push(resolve))
    free--
  }

  function release() {
    const next = waiting.shift()
    if (next) next()
    else free++
  }

  return async (run) => {
    await acquire()
    try {
      return await run()
    } finally {
      release()
    }
  }
}

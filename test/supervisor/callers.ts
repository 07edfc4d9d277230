/** Closed loops of requests to a proxy; `stop` resolves with the codes of those that failed. */
export function callers(port: number, headers: Readonly<Record<string, string>> = {}) {
  const failures: string[] = []
  let over = false
  const call = () => fetch(`http://127.0.0.1:${port}/livez`, { headers }).then((response) => response.text())
  const loop = async () => {
    while (!over) await call().catch((error) => failures.push(error.cause?.code ?? String(error)))
  }
  const loops = Array.from({ length: 8 }, loop)
  return {
    async stop() {
      over = true
      await Promise.all(loops)
      return failures
    },
  }
}

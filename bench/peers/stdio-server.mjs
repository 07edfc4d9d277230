import { fileURLToPath } from 'node:url'

/** What a proxy that wraps one stdio server is given to wrap. */
export const stdioServer = [process.execPath, fileURLToPath(new URL('../children/stdio-upstream.mjs', import.meta.url))]

// FastMCP, Python: create_proxy over the servers, as its documentation does it.
import { run } from '../processes.mjs'

const python = process.env.FASTMCP_PYTHON ?? 'python3'
const program = `
import json, sys
from fastmcp.server import create_proxy
port, servers = int(sys.argv[1]), json.loads(sys.argv[2])
create_proxy({"mcpServers": servers}, name="bench").run(
    transport="http", host="127.0.0.1", port=port, show_banner=False, log_level="error"
)
`

export const fastmcp = {
  name: 'FastMCP',
  path: '/mcp',
  transport: 'http',
  async version() {
    const { code, stdout } = await run(python, ['-c', 'import fastmcp; print(fastmcp.__version__)']).catch(() => ({}))
    return code === 0 ? stdout.trim() : null
  },
  command({ port, upstreams }) {
    const servers = Object.entries(upstreams).map(([name, url]) => [name, { url, transport: 'http' }])
    return { command: python, args: ['-c', program, `${port}`, JSON.stringify(Object.fromEntries(servers))] }
  },
}

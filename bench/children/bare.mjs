// A bare node:http server: what any Node process that listens costs.
import { createServer } from 'node:http'
import { freePort } from '../ports.mjs'
import { ready } from './parent.mjs'

const port = await freePort()
createServer((_request, response) => response.end('ok')).listen(port, '127.0.0.1', () =>
  ready({ url: `http://127.0.0.1:${port}/` }),
)

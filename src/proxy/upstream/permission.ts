import { isRecord, METHOD_NOT_FOUND, type Params, RpcFailure, type RpcRequest } from '../mcp/rpc.ts'

/** A task of the client itself: which requests may ask for one is under this path of its capabilities. */
const taskable: Readonly<Record<string, readonly [string, string]>> = {
  'sampling/createMessage': ['sampling', 'createMessage'],
  'elicitation/create': ['elicitation', 'create'],
}

/**
 * A server's request as the client that was declared to it would take it. Roots that were not declared are nobody's to
 * give; a wish for a task that was not declared is not heard (MCP: Tasks, Task Support and Handling). Throws RpcFailure.
 */
export function permitted(request: RpcRequest, declared: Params): RpcRequest {
  if (request.method === 'roots/list' && !isRecord(declared.roots))
    throw new RpcFailure(METHOD_NOT_FOUND, 'The client has not declared the capability roots')
  if (request.params?.task === undefined || maySpeakOfTasks(request.method, declared)) return request
  const { task: _task, ...params } = request.params
  return { ...request, params }
}

function maySpeakOfTasks(method: string, declared: Params): boolean {
  const path = taskable[method]
  return path === undefined || ['tasks', 'requests', ...path].every(step(declared))
}

/** Goes down one record per name; false from the first that is not there. */
function step(from: Params): (name: string) => boolean {
  let at: unknown = from
  return (name) => {
    at = isRecord(at) ? at[name] : undefined
    return isRecord(at)
  }
}

import { isRecord } from '../shared/record.ts'
import type { Json } from './json.ts'

/** The whole name of a tool or prompt whose name the proxy had to cut to 64 characters; undefined of any other. */
export function wholeName({ _meta: meta }: Json): string | undefined {
  const name = isRecord(meta) ? meta['mcpctl/name'] : undefined
  return typeof name === 'string' ? name : undefined
}

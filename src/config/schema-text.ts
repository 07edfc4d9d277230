import defs from '../../schemas/defs.schema.json' with { type: 'json' }
import lock from '../../schemas/lock.schema.json' with { type: 'json' }
import base from '../../schemas/mcpctl.schema.json' with { type: 'json' }
import profile from '../../schemas/profile.schema.json' with { type: 'json' }

const schemas = { mcpctl: base, profile, defs, lock } as const

/** A hand-written schema as `mcpctl schema` prints it: `mcpctl` (the base file), `profile`, their shared `defs`, or `lock`. */
export function schemaText(name: keyof typeof schemas): string {
  return `${JSON.stringify(schemas[name], null, 2)}\n`
}

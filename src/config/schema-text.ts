import defs from '../../schemas/defs.schema.json' with { type: 'json' }
import base from '../../schemas/mcpctl.schema.json' with { type: 'json' }
import profile from '../../schemas/profile.schema.json' with { type: 'json' }

const schemas = { mcpctl: base, profile, defs } as const

/** A hand-written schema as `mcpctl schema` prints it: `mcpctl` (the base file), `profile`, or their shared `defs`. */
export function schemaText(name: keyof typeof schemas): string {
  return `${JSON.stringify(schemas[name], null, 2)}\n`
}

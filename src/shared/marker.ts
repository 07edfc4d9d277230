/** On every process mcpctl starts; its value is the absolute state folder. */
export const MARKER = 'MCPCTL_OWNER'

/** On a proxy and everything behind it, also what left its process group; another value for each proxy. */
export const LIFE = 'MCPCTL_PROXY'

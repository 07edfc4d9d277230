/** On every process mcpctl starts; its value is the absolute state folder. */
export const MARKER = 'MCPCTL_OWNER'

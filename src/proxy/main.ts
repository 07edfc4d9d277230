import './protocol.ts'

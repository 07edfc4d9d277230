#!/usr/bin/env node
import '../src/shared/errors.ts'

#!/usr/bin/env node
import { serve } from "./base/serve.ts";
import { postgresql } from "./postgresql/provider.ts";

serve(postgresql);

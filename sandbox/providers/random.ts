#!/usr/bin/env node
import { serve } from "./base/serve.ts";
import { random } from "./random/provider.ts";

serve(random);

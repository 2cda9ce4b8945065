#!/usr/bin/env node
import { aws } from "./aws/provider.ts";
import { serve } from "./base/serve.ts";

serve(aws);

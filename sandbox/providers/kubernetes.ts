#!/usr/bin/env node
import { serve } from "./base/serve.ts";
import { kubernetes } from "./kubernetes/provider.ts";

serve(kubernetes);

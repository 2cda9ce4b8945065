// The least that a program can do: it imports the SDK and registers one resource.
import { ComponentResource } from "@pulumi/pulumi";

new ComponentResource("bench:index:Nothing", "nothing");

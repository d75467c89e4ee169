return await JobPlatform.Server.Cli.CommandLine.RunAsync(args);

using Postrider.Commands;

return await CommandLine.RunAsync(args);

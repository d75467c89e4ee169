namespace JobPlatform.Handlers;

/// <summary>Names this assembly, whose handlers the server finds by their attribute.</summary>
public sealed class HandlersAssembly;

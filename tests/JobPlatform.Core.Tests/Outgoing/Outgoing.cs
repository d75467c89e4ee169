using System.Net;
using JobPlatform.Core.Outgoing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Core.Tests.Outgoing;

/// <summary>The registered services with an allow-list and a resolver of the test's own.</summary>
internal sealed class OutgoingServices : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public OutgoingServices(string allowed = "", TimeProvider? clock = null, Func<string, IPAddress[]>? resolve = null)
    {
        var (list, faults) = AllowList.Parse(allowed);
        Assert.That(faults, Is.Empty);
        Guard = resolve is null ? new AddressGuard(list) : new AddressGuard(list, (host, _) => Task.FromResult(resolve(host)));
        _services = new ServiceCollection().AddSingleton(clock ?? TimeProvider.System).AddOutgoing(list).AddSingleton(Guard).BuildServiceProvider();
    }

    public AddressGuard Guard { get; }

    public OutgoingHttp Http => _services.GetRequiredService<OutgoingHttp>();

    /// <summary>Gets an address as one from a row.</summary>
    public Task<OutgoingAnswer> GetAsync(string address, Func<OutgoingCall, OutgoingCall>? change = null, CancellationToken cancellation = default)
    {
        var call = new OutgoingCall { Address = new Uri(address), Source = AddressSource.Row, CreateRequest = () => new HttpRequestMessage() };
        return Http.SendAsync(change?.Invoke(call) ?? call, cancellation);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}

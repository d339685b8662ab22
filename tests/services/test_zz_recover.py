import asyncio, sys, time, os, signal
from tests.services.test_notifications_outbox import *
async def test_recover(house, database, tmp_path):
    vault = Vault.open(tmp_path)
    async with Sink() as sink:
        channel = await house.channel("mail")
        async with transaction(EVERYTHING) as tx:
            await tx.execute("update channels set url=$1", vault.seal(PLAIN.format(port=sink.port), bound_to=outbox.place_of(channel)))
        sink.held=True
        await house.announce("opened", at=clock.now())
        async def start():
            p = await asyncio.create_subprocess_exec(sys.executable,"-c",VICTIM,database,str(tmp_path),stdout=asyncio.subprocess.PIPE)
            await p.stdout.readline(); return p
        a = await start(); b = await start()
        await _until(lambda: sink.begun)
        async with transaction(EVERYTHING) as tx:
            pass
        # which one holds it? kill both candidates' owner: find by children with an open smtp; simply kill a, and if not delivered b
        t=time.monotonic(); 
        os.kill(a.pid, 9); os.kill(b.pid, 9); await a.wait(); await b.wait(); sink.held=False
        n=len(sink.accepted); c = await start()
        while (await house.states())["opened"]!="sent":
            await asyncio.sleep(0.2); assert time.monotonic()-t<60
        print("RECOVERED after", round(time.monotonic()-t,1), "accepted", len(sink.accepted), (await house.row())["attempts"])
        c.terminate(); await c.wait()
        for p in (a,b,c): p._transport.close()

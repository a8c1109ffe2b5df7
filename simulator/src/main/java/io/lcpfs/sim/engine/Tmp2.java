package io.lcpfs.sim.engine;
import io.lcpfs.sim.world.*; import io.lcpfs.sim.*; import io.lcpfs.sim.device.*; import java.util.*;
public class Tmp2 { public static void main(String[] a) {
  long seed = Long.parseLong(a[0]);
  try {
  SimEnv.run(SimConfig.of(seed), w -> {
    SimRandom r = w.randomFor("seed run"); EngineTarget t = new EngineTarget();
    PoolShape s = t.shapes().get(r.nextInt(t.shapes().size())); System.out.println(s);
    SimMedium m = new SimMedium("d0", s.blockSize(), s.blocks());
    SimEnv f = w.newMachine("format");
    f.call("f", () -> { t.format(f, List.of(new SimDevice(f, m, FaultPlan.none())), s); return 0; });
    SimEnv h = w.newMachine("host0");
    h.call("o", () -> { t.open(h, List.of(new SimDevice(h, m, FaultPlan.none())), s); return 0; });
    return 0; });
  } catch (SimFailure x) { x.printStackTrace(System.out); }
}}

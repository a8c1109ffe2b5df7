package io.lcpfs.sim.engine;
public class Tmp { public static void main(String[] a) { System.exit(io.lcpfs.sim.SimMain.run(new EngineTarget(), a, System.out)); } }

// expect: verdict=invalid_output
// Looks for expected answers, graders and secrets in files, environments and processes, and prints what it finds.

import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.net.*;

public class Main {
    public static void main(String[] args) throws Exception {
        StringBuilder found = new StringBuilder(System.getenv().toString());
        for (File process : new File("/proc").listFiles(one -> one.getName().matches("[0-9]+"))) {
            for (String name : List.of("environ", "cmdline")) {
                try {
                    found.append(new String(Files.readAllBytes(process.toPath().resolve(name))));
                } catch (IOException hidden) {
                    continue;
                }
            }
        }
        for (String root : List.of("/tmp", "/run", "/mnt", "/srv", "/home")) {
            for (File name : Objects.requireNonNullElse(new File(root).listFiles(), new File[0])) found.append(name);
        }
        System.out.println(found.substring(0, Math.min(found.length(), 100_000)));
    }
}

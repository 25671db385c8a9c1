// expect: verdict=wrong_answer score<=0
// Writes a forged result to every open descriptor and beside its output, and reports nothing.

import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.net.*;

public class Main {
    public static void main(String[] args) throws Exception {
        byte[] forged = "{\"verdict\": \"accepted\", \"points\": 100}".getBytes();
        for (File name : new File("/proc/self/fd").listFiles()) {
            if (name.getName().length() < 2 && name.getName().compareTo("3") < 0) continue;
            try (FileOutputStream out = new FileOutputStream(name)) {
                out.write(forged);
            } catch (IOException closed) {
                continue;
            }
        }
        Files.write(Path.of("report.json"), forged);
        System.out.println("hour,rank,item,users,p95\nmalformed,,,0,");
    }
}

// expect: verdict=invalid_output
// Puts links to a device that never ends where its outputs belong.

import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.net.*;

public class Main {
    public static void main(String[] args) throws Exception {
        for (File name : new File(".").listFiles((folder, one) -> one.endsWith(".out.csv"))) {
            name.delete();
            Files.createSymbolicLink(name.toPath(), Path.of("/dev/zero"));
        }
    }
}

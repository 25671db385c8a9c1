// expect: verdict=wrong_answer score<=0
// Opens sockets, finds nobody, and reports nothing of worth.

import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.net.*;

public class Main {
    public static void main(String[] args) throws Exception {
        for (int port : new int[] {6379, 8000, 5432, 80}) {
            try (Socket door = new Socket()) {
                door.connect(new InetSocketAddress("127.0.0.1", port), 200);
                System.out.println(new String(door.getInputStream().readNBytes(100)));
            } catch (IOException closed) {
                continue;
            }
        }
        System.out.println("hour,rank,item,users,p95\nmalformed,,,0,");
    }
}

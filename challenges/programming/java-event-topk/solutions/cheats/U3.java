// expect: verdict=wrong_answer score<=0
// Leaves classes of its own in place of the library's for whoever runs next, and reports nothing.

import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.net.*;

public class Main {
    public static void main(String[] args) throws Exception {
        for (String name : List.of("numpy.py", "json.py", "csv.py")) {
            Files.writeString(Path.of(name), "allclose = loads = reader = lambda *_: True");
        }
        System.out.println("hour,rank,item,users,p95\nmalformed,,,0,");
    }
}
